package mllibpy.kernel.decomposition

import mllibpy.kernel.Tiles
import mllibpy.kernel.linear.Examples

/** The triangle R of a tall matrix's QR factorisation, one pass: each part's rows are reduced to a
  * triangle by Householder's reflections, and triangles are reduced together (TSQR: Demmel,
  * Grigori, Hoemmen, Langou 2012). The matrix is that of the rows which a [[LeftMap]] makes.
  */
final class QrSum(
    columns: Int,
    @transient private val map: LeftMap,
    @transient private val tiles: Tiles = Tiles.best
) extends Serializable {

  /** Upper triangular, signs as they come. */
  val triangle: Columns = Columns(columns, columns)
  var rows = 0L

  def add(block: Examples): this.type = {
    val products = RowProducts.of(block, tiles)
    val scratch = new LeftRows(map, products.tile, tiles)
    var from = 0
    while (from < block.rows) {
      val n = Math.min(products.tile, block.rows - from)
      scratch.load(products, from, n)
      reduce(scratch.left, n)
      from += n
    }
    rows += block.rows
    this
  }

  def merge(other: QrSum): this.type = {
    reduce(other.triangle.values.clone(), columns)
    rows += other.rows
    this
  }

  /** Householder's reflections of the triangle upon n rows, which they make 0: since the triangle's
    * rows are 0 before their diagonal, that of column j mixes its row j with the n others alone.
    */
  private def reduce(y: Array[Double], n: Int): Unit = {
    val width = triangle.width
    val r = triangle.values
    val products = new Array[Double](width)
    var j = 0
    while (j < columns) {
      // From the vector that holds column j; what stands before it is 0 or not read.
      val first = j / Tiles.Doubles * Tiles.Doubles
      java.util.Arrays.fill(products, 0.0)
      tiles.multiply(y, j, 1, width, 1, n, y, first, width, width - first, products, first, width)
      val (top, below) = (r(j * width + j), products(j))
      if (below > 0) {
        val length = Math.sqrt(top * top + below)
        val head = if (top >= 0) top + length else top - length
        // v = (head, y_j), H = I - 2 v v^T / (v^T v)
        val by = -2 / (head * head + below)
        val row = j * width
        var c = first
        while (c < width) {
          // by v^T column c, of the columns behind j alone
          products(c) = if (c <= j) 0 else by * (head * r(row + c) + products(c))
          if (c > j) r(row + c) += head * products(c)
          c += 1
        }
        r(row + j) = if (top >= 0) -length else length
        // The rank-1 change in two runs: the reflection's vector is column j itself, not changed.
        tiles.multiply(y, j, width, 1, n, 1, products, first, 1, width - first, y, first, width)
      }
      j += 1
    }
  }
}
