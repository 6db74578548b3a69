package mllibpy.kernel.linear

import mllibpy.kernel.{Panels, Tiles}

/** What least squares needs to know of a data set, in one pass: of features and targets around
  * their means, the weighted sums of products.
  *
  * @param means
  *   IN of the features, zeros where there is no intercept; they do not travel with the sums
  * @param targetMean
  *   likewise
  */
final class GramSum(
    features: Int,
    @transient private val means: Array[Double],
    @transient private val targetMean: Double,
    @transient private val tiles: Tiles = Tiles.best
) extends Serializable {
  @transient private lazy val packed = new Panels(features, tiles)
  private val stride = Panels.stride(features)
  private val gram = new Array[Double](stride * stride)
  private val moment = new Array[Double](stride)
  private var squares = 0.0

  /** sum of weight * x_f x_g */
  def apply(f: Int, g: Int): Double = gram(Math.min(f, g) * stride + Math.max(f, g))

  /** sum of weight * x_f y */
  def withTarget(f: Int): Double = moment(f)

  /** sum of weight * y^2 */
  def targetSquares: Double = squares

  def add(rows: Examples): this.type = {
    val x = new Array[Double](features)
    var from = 0
    while (from < rows.rows) {
      val n = Math.min(Panels.Rows, rows.rows - from)
      for (r <- 0 until n) add(rows, from + r, x, r)
      packed.addTo(gram, n)
      from += n
    }
    this
  }

  /** A row and its target around the means, times the square root of its weight. */
  private def add(rows: Examples, row: Int, x: Array[Double], to: Int): Unit = {
    val by = Math.sqrt(rows.weight(row))
    val target = (rows.labels(row) - targetMean) * by
    rows.copy(row, x)
    var f = 0
    while (f < features) {
      x(f) = (x(f) - means(f)) * by
      moment(f) += x(f) * target
      f += 1
    }
    packed.set(to, x, 0)
    squares += target * target
  }

  def merge(other: GramSum): this.type = {
    LossSum.add(other.gram, gram)
    LossSum.add(other.moment, moment)
    squares += other.squares
    this
  }
}
