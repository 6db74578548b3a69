package mllibpy.kernel.decomposition

import mllibpy.kernel.Tiles
import mllibpy.kernel.linear.Examples

/** A step of the power method for several vectors at once, in one pass: `A^T (A W)`, where rows of
  * A are a data set's, less a shift that centres them: y = x W - shift.
  *
  * @param shift
  *   IN the means times W, as wide as it; null where rows are not centred
  */
final class PowerSum(
    features: Int,
    columns: Int,
    @transient private val w: Columns,
    @transient private val shift: Array[Double],
    @transient private val tiles: Tiles = Tiles.best
) extends Serializable {

  /** x^T y, added up. */
  val product: Columns = Columns(features, columns)

  /** The y, added up: what centring takes from the product, times the means. */
  val ones: Array[Double] = new Array(product.width)
  var rows = 0L

  def add(block: Examples): this.type = {
    val products = RowProducts.of(block, tiles)
    val y = new Array[Double](products.tile * product.width)
    var from = 0
    while (from < block.rows) {
      val n = Math.min(products.tile, block.rows - from)
      products.times(from, n, w, y)
      SmallRows.shift(y, n, product.width, shift)
      SmallRows.addRows(y, n, product.width, ones)
      products.addTransposed(from, n, y, product)
      from += n
    }
    rows += block.rows
    this
  }

  def merge(other: PowerSum): this.type = {
    product += other.product
    SmallRows.add(other.ones, ones)
    rows += other.rows
    this
  }
}
