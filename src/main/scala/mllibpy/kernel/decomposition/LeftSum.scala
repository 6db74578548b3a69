package mllibpy.kernel.decomposition

import mllibpy.kernel.Tiles
import mllibpy.kernel.linear.Examples

/** What shows of left singular vectors how good they are, measured on the rows that they have, in
  * one pass: `A^T U`, `U^T U` and the squared lengths of `A v - s u`.
  *
  * @param values
  *   IN the singular values; the map's v are the right singular vectors
  */
final class LeftSum(
    features: Int,
    columns: Int,
    @transient private val map: LeftMap,
    @transient private val values: Array[Double],
    @transient private val tiles: Tiles = Tiles.best
) extends Serializable {

  /** x^T u, added up. */
  val product: Columns = Columns(features, columns)

  /** The u, added up: what centring takes from the product, times the means. */
  val ones: Array[Double] = new Array(product.width)

  /** U^T U. */
  val gram: Columns = Columns(columns, columns)
  val residuals: Array[Double] = new Array(columns)
  var rows = 0L

  def add(block: Examples): this.type = {
    val products = RowProducts.of(block, tiles)
    val scratch = new LeftRows(map, products.tile, tiles)
    val width = product.width
    val u = scratch.left
    var from = 0
    while (from < block.rows) {
      val n = Math.min(products.tile, block.rows - from)
      scratch.load(products, from, n)
      SmallRows.addRows(u, n, width, ones)
      products.addTransposed(from, n, u, product)
      tiles.multiply(u, 0, 1, width, columns, n, u, 0, width, width, gram.values, 0, width)
      residual(scratch.products, u, n, width)
      from += n
    }
    rows += block.rows
    this
  }

  private def residual(y: Array[Double], u: Array[Double], n: Int, width: Int): Unit = {
    var r = 0
    while (r < n) {
      val at = r * width
      var j = 0
      while (j < columns) {
        val apart = y(at + j) - values(j) * u(at + j)
        residuals(j) += apart * apart
        j += 1
      }
      r += 1
    }
  }

  def merge(other: LeftSum): this.type = {
    product += other.product
    gram += other.gram
    SmallRows.add(other.ones, ones)
    SmallRows.add(other.residuals, residuals)
    rows += other.rows
    this
  }
}
