package mllibpy.engine

import mllibpy.kernel.Stride

import java.io.{Externalizable, ObjectInput, ObjectOutput}

/** Rows of factors on the move: padded in memory, packed on the wire. */
final class FloatRows(private var _rank: Int, private var _padded: Array[Float])
    extends Externalizable {
  def this() = this(0, null)

  def rank: Int = _rank
  def padded: Array[Float] = _padded
  def rows: Int = _padded.length / Stride.of(_rank)

  /** The rows `from until until`, padded. */
  def run(from: Int, until: Int): Array[Float] = {
    val stride = Stride.of(_rank)
    java.util.Arrays.copyOfRange(_padded, from * stride, until * stride)
  }

  override def writeExternal(out: ObjectOutput): Unit = {
    out.writeInt(_rank)
    Bulk.writeFloats(out, Stride.pack(_padded, _rank))
  }

  override def readExternal(in: ObjectInput): Unit = {
    _rank = in.readInt()
    _padded = Stride.pad(Bulk.readFloats(in), _rank)
  }
}

object FloatRows {

  /** The rows at `places`, in that order. */
  def pick(rows: Array[Float], rank: Int, places: Array[Int]): Array[Float] = {
    val stride = Stride.of(rank)
    val out = new Array[Float](Math.multiplyExact(places.length, stride))
    var i = 0
    while (i < places.length) {
      System.arraycopy(rows, places(i) * stride, out, i * stride, stride)
      i += 1
    }
    out
  }

  /** All rows, one run after the other. */
  def concat(runs: Seq[Array[Float]]): Array[Float] = {
    val out = new Array[Float](Math.toIntExact(runs.map(_.length.toLong).sum))
    var at = 0
    for (run <- runs) {
      System.arraycopy(run, 0, out, at, run.length)
      at += run.length
    }
    out
  }
}
