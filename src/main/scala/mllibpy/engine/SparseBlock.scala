package mllibpy.engine

import mllibpy.kernel.{PackedCsr, PackedFloats, PackedInts, Scramble}

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
    private var _csr: PackedCsr,
    private var _bucketStart: Array[Int]
) extends Externalizable {
  def this() = this(0, null, null, null, null)

  def number: Int = _number
  def rowKeys: Array[Long] = _rowKeys
  def columnKeys: Array[Long] = _columnKeys
  def csr: PackedCsr = _csr

  /** bucketStart(i) until bucketStart(i + 1) are the rows of the block's i-th bucket. */
  def bucketStart: Array[Int] = _bucketStart

  /** A sum over the entries of a hash of keys, value and weight. Blocks of the same entries have
    * the same total, however they are cut; `transposed` where rows and columns are exchanged.
    */
  def digest(transposed: Boolean): Long = {
    // Keys are scrambled already: times an odd number, the two sides can be told apart.
    val (rowFactor, columnFactor) =
      if (transposed) (1L, SparseBlock.Odd) else (SparseBlock.Odd, 1L)
    val most = (0 until _csr.rows).foldLeft(0)((m, r) => math.max(m, _csr.degree(r)))
    val columns = new Array[Int](most)
    val (values, weights) = (new Array[Float](most), new Array[Float](most))
    var sum = 0L
    var r = 0
    while (r < _csr.rows) {
      val row = _rowKeys(r) * rowFactor
      val n = _csr.degree(r)
      _csr.read(_csr.start(r), n, columns, values)
      if (_csr.weighted) _csr.readWeights(_csr.start(r), n, weights)
      var e = 0
      while (e < n) {
        val number = java.lang.Float.floatToIntBits(values(e)).toLong << 32 ^
          (java.lang.Float.floatToIntBits(weights(e)) & 0xffffffffL)
        sum += Scramble.mix(Scramble.mix(row + _columnKeys(columns(e)) * columnFactor) + number)
        e += 1
      }
      r += 1
    }
    sum
  }

  /** The same entries by column: the columns that occur are the rows, in all `buckets` of theirs.
    */
  def transposed(buckets: Buckets): SparseBlock = new SparseBlock(
    _number,
    _columnKeys,
    _rowKeys,
    _csr.transposed(_columnKeys.length),
    buckets.starts(0, buckets.count, _columnKeys)
  )

  /** The entries as triples whose rows are the block's columns, some at a time. */
  def triplesByColumn: Iterator[Triples] = {
    val (columns, values) = (_csr.columns, _csr.values)
    val weights = if (_csr.weighted) _csr.weights else null
    val builder = new TriplesBuilder(1024, timed = false, weighted = _csr.weighted)
    var r = 0
    new Iterator[Triples] {
      def hasNext: Boolean = r < _csr.rows
      def next(): Triples = {
        while (hasNext && builder.size < Triples.ChunkSize) {
          var e = _csr.start(r)
          while (e < _csr.start(r + 1)) {
            val weight = if (weights == null) 1f else weights(e)
            builder.add(_columnKeys(columns(e)), _rowKeys(r), values(e), 0, weight)
            e += 1
          }
          r += 1
        }
        builder.result()
      }
    }
  }

  override def writeExternal(out: ObjectOutput): Unit = {
    out.writeInt(_number)
    Bulk.writeLongs(out, _rowKeys)
    Bulk.writeLongs(out, _columnKeys)
    Bulk.writeInts(out, _csr.start)
    out.writeInt(_csr.packedColumns.width)
    out.writeObject(_csr.packedColumns.bytes)
    write(out, _csr.packedValues)
    out.writeBoolean(_csr.weighted)
    if (_csr.weighted) write(out, _csr.packedWeights)
    Bulk.writeInts(out, _bucketStart)
  }

  private def write(out: ObjectOutput, floats: PackedFloats): Unit = {
    out.writeBoolean(floats.codes != null)
    if (floats.codes == null) Bulk.writeFloats(out, floats.floats)
    else {
      Bulk.writeFloats(out, floats.dictionary)
      out.writeObject(floats.codes)
    }
  }

  override def readExternal(in: ObjectInput): Unit = {
    _number = in.readInt()
    _rowKeys = Bulk.readLongs(in)
    _columnKeys = Bulk.readLongs(in)
    val start = Bulk.readInts(in)
    val columns = new PackedInts(in.readInt(), in.readObject().asInstanceOf[Array[Byte]])
    val values = readFloats(in)
    val weights = if (in.readBoolean()) readFloats(in) else null
    _csr = new PackedCsr(start, columns, values, weights)
    _bucketStart = Bulk.readInts(in)
  }

  private def readFloats(in: ObjectInput): PackedFloats =
    if (!in.readBoolean()) new PackedFloats(null, null, Bulk.readFloats(in))
    else new PackedFloats(Bulk.readFloats(in), in.readObject().asInstanceOf[Array[Byte]], null)
}

private object SparseBlock {
  private final val Odd = 0x9e3779b97f4a7c15L
}
