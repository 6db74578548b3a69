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

  def columns: Array[Int] = all._1
  def values: Array[Float] = all._2

  private def all: (Array[Int], Array[Float]) = {
    val (c, v) = (new Array[Int](size), new Array[Float](size))
    read(0, size, c, v)
    (c, v)
  }
}

/** Sparse rows in plain arrays. */
final class Csr(
    val start: Array[Int],
    override val columns: Array[Int],
    override val values: Array[Float]
) extends SparseRows {
  def read(at: Int, n: Int, columns: Array[Int], values: Array[Float]): Unit = {
    System.arraycopy(this.columns, at, columns, 0, n)
    System.arraycopy(this.values, at, values, 0, n)
  }
}

/** Sparse rows at rest, in as few bytes as their columns and values need: one to four for a column,
  * and one for a value where there are no more than 256 distinct ones.
  */
final class PackedCsr(
    val start: Array[Int],
    val packedColumns: PackedInts,
    val packedValues: PackedFloats
) extends SparseRows {
  def read(at: Int, n: Int, columns: Array[Int], values: Array[Float]): Unit = {
    packedColumns.read(at, n, columns)
    packedValues.read(at, n, values)
  }

  def bytes: Long = 4L * start.length + packedColumns.bytes.length + packedValues.bytes
}

object PackedCsr {

  /** The most entries: `columns` in four bytes each still fit one array. */
  final val MostEntries: Int = (Int.MaxValue - 16) / 4

  def of(start: Array[Int], columns: Array[Int], values: Array[Float], size: Int): PackedCsr =
    new PackedCsr(start, PackedInts.of(columns, size), PackedFloats.of(values, size))
}
