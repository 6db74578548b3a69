package mllibpy.kernel

/** Sparse rows. Row `r` has the entries `start(r) until start(r + 1)`; an entry's column indexes
  * whatever array the rows are solved against.
  */
final class Csr(val start: Array[Int], val columns: Array[Int], val values: Array[Float])
    extends Serializable {
  def rows: Int = start.length - 1
  def size: Int = columns.length
  def degree(row: Int): Int = start(row + 1) - start(row)
}
