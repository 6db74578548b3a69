package mllibpy.engine

import mllibpy.kernel.RowSums

import java.io.{Externalizable, ObjectInput, ObjectOutput}

/** A block's part of the equations of some rows, on its way to where they are solved. It can be
  * written once: a stream remembers what went through it, up to a hundred objects, and these would
  * hold their numbers that long.
  *
  * @param places
  *   the rows, ascending, as the receiver counts them
  */
final class PartialRows(private var _places: Array[Int], private var _sums: RowSums)
    extends Externalizable {
  def this() = this(null, null)

  def places: Array[Int] = _places
  def sums: RowSums = _sums

  override def writeExternal(out: ObjectOutput): Unit = {
    require(_sums != null, "partial rows are written once")
    out.writeInt(_sums.rank)
    Bulk.writeInts(out, _places)
    Bulk.writeInts(out, _sums.counts)
    _sums.constants.foreach(out.writeDouble)
    Bulk.streamFloats(out, _sums.numbers)
    _sums = null
  }

  override def readExternal(in: ObjectInput): Unit = {
    val rank = in.readInt()
    _places = Bulk.readInts(in)
    val counts = Bulk.readInts(in)
    val constants = Array.fill(counts.length)(in.readDouble())
    _sums = new RowSums(rank, Bulk.unstreamFloats(in), constants, counts)
  }
}
