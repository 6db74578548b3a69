package mllibpy.engine

import mllibpy.kernel.Csr

import java.io.{Externalizable, ObjectInput, ObjectOutput}

/** A block of ratings at rest: the rows whose keys fall into the block's buckets.
  *
  * Rows are in the order of `rowKeys`, entries of a row in the order of `columnKeys` (both unsigned
  * ascending); an entry's column is a place in `columnKeys`, so a block is solved against an array
  * of just the rows that it needs.
  */
final class SparseBlock(
    private var _number: Int,
    private var _rowKeys: Array[Long],
    private var _columnKeys: Array[Long],
    private var _csr: Csr,
    private var _bucketStart: Array[Int]
) extends Externalizable {
  def this() = this(0, null, null, null, null)

  def number: Int = _number
  def rowKeys: Array[Long] = _rowKeys
  def columnKeys: Array[Long] = _columnKeys
  def csr: Csr = _csr

  /** bucketStart(i) until bucketStart(i + 1) are the rows of the block's i-th bucket. */
  def bucketStart: Array[Int] = _bucketStart

  override def writeExternal(out: ObjectOutput): Unit = {
    out.writeInt(_number)
    Bulk.writeLongs(out, _rowKeys)
    Bulk.writeLongs(out, _columnKeys)
    Bulk.writeInts(out, _csr.start)
    Bulk.writeInts(out, _csr.columns)
    Bulk.writeFloats(out, _csr.values)
    Bulk.writeInts(out, _bucketStart)
  }

  override def readExternal(in: ObjectInput): Unit = {
    _number = in.readInt()
    _rowKeys = Bulk.readLongs(in)
    _columnKeys = Bulk.readLongs(in)
    _csr = new Csr(Bulk.readInts(in), Bulk.readInts(in), Bulk.readFloats(in))
    _bucketStart = Bulk.readInts(in)
  }
}
