package mllibpy.kernel

/** Sparse rows. Row `r` has the entries `start(r) until start(r + 1)`; an entry's column indexes
  * whatever array the rows are solved against.
  */
abstract class SparseRows extends Serializable {
  def start: Array[Int]
  def rows: Int = start.length - 1
  def size: Int = start(rows)
  def degree(row: Int): Int = start(row + 1) - start(row)

  /** Copies `n` entries from `at` to the start of the two arrays. */
  def read(at: Int, n: Int, columns: Array[Int], values: Array[Float]): Unit

  /** Whether entries have weights; without, each counts 1. */
  def weighted: Boolean

  /** Copies the weights of `n` entries from `at` to the start of the array, where they have any. */
  def readWeights(at: Int, n: Int, weights: Array[Float]): Unit

  def columns: Array[Int] = all._1
  def values: Array[Float] = all._2

  /** Of all entries, where they have any. */
  def weights: Array[Float] = {
    val out = new Array[Float](size)
    readWeights(0, size, out)
    out
  }

  private def all: (Array[Int], Array[Float]) = {
    val (c, v) = (new Array[Int](size), new Array[Float](size))
    read(0, size, c, v)
    (c, v)
  }
}

/** Sparse rows in plain arrays; `weights` may be null. */
final class Csr(
    val start: Array[Int],
    override val columns: Array[Int],
    override val values: Array[Float],
    override val weights: Array[Float] = null
) extends SparseRows {
  def weighted: Boolean = weights != null
  def readWeights(at: Int, n: Int, weights: Array[Float]): Unit =
    System.arraycopy(this.weights, at, weights, 0, n)

  def read(at: Int, n: Int, columns: Array[Int], values: Array[Float]): Unit = {
    System.arraycopy(this.columns, at, columns, 0, n)
    System.arraycopy(this.values, at, values, 0, n)
  }
}

/** Sparse rows at rest, in as few bytes as their columns and values need: one to four for a column,
  * and one for a value, or a weight, where there are no more than 256 distinct ones.
  *
  * @param packedWeights
  *   null where entries have no weights
  */
final class PackedCsr(
    val start: Array[Int],
    val packedColumns: PackedInts,
    val packedValues: PackedFloats,
    val packedWeights: PackedFloats = null
) extends SparseRows {
  def read(at: Int, n: Int, columns: Array[Int], values: Array[Float]): Unit = {
    packedColumns.read(at, n, columns)
    packedValues.read(at, n, values)
  }

  def weighted: Boolean = packedWeights != null
  def readWeights(at: Int, n: Int, weights: Array[Float]): Unit =
    packedWeights.read(at, n, weights)

  /** The same entries by column, of which there are `columns`; a column's are in the order of the
    * rows.
    */
  def transposed(columns: Int): PackedCsr = {
    val (of, from) = (this.columns, values)
    val fromWeights = if (weighted) weights else null
    val start = new Array[Int](columns + 1)
    var e = 0
    while (e < of.length) { start(of(e) + 1) += 1; e += 1 }
    var c = 0
    while (c < columns) { start(c + 1) += start(c); c += 1 }
    val next = start.clone()
    val rowOf = new Array[Int](of.length)
    val to = new Array[Float](of.length)
    val toWeights = if (weighted) new Array[Float](of.length) else null
    var r = 0
    while (r < rows) {
      e = this.start(r)
      while (e < this.start(r + 1)) {
        val at = next(of(e))
        next(of(e)) = at + 1
        rowOf(at) = r
        to(at) = from(e)
        if (fromWeights != null) toWeights(at) = fromWeights(e)
        e += 1
      }
      r += 1
    }
    PackedCsr.of(start, rowOf, to, of.length, toWeights)
  }

  /** How many entries have a weight above 0. */
  def weighing: Int = if (weighted) packedWeights.above0(size) else size

  def bytes: Long = 4L * start.length + packedColumns.bytes.length + packedValues.bytes +
    (if (weighted) packedWeights.bytes else 0L)
}

object PackedCsr {

  /** The most entries: `columns` in four bytes each still fit one array. */
  final val MostEntries: Int = (Int.MaxValue - 16) / 4

  /** From the first `size` of the arrays; `weights` may be null. */
  def of(
      start: Array[Int],
      columns: Array[Int],
      values: Array[Float],
      size: Int,
      weights: Array[Float] = null
  ): PackedCsr =
    new PackedCsr(
      start,
      PackedInts.of(columns, size),
      PackedFloats.of(values, size),
      if (weights == null) null else PackedFloats.of(weights, size)
    )
}
