package mllibpy.kernel.linear

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
    @transient private val products: DenseDoubles = DenseDoubles.best
) extends Serializable {
  private val stride = DenseDoubles.padded(features)
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
    val tile = new Array[Double](GramSum.Tile * stride)
    val targets = new Array[Double](GramSum.Tile)
    var from = 0
    while (from < rows.rows) {
      val n = Math.min(GramSum.Tile, rows.rows - from)
      for (r <- 0 until n) centre(rows, from + r, r, tile, targets)
      products.gram(tile, stride, n, gram)
      products.accumulate(tile, stride, 0, n, targets, moment)
      from += n
    }
    this
  }

  /** A row and its target around the means, times the square root of its weight. */
  private def centre(
      rows: Examples,
      row: Int,
      to: Int,
      tile: Array[Double],
      targets: Array[Double]
  ): Unit = {
    val by = Math.sqrt(rows.weight(row))
    val at = to * stride
    var f = 0
    while (f < features) { tile(at + f) = -means(f); f += 1 }
    rows.foreach(row)((g, x) => tile(at + g) += x)
    f = 0
    while (f < features) { tile(at + f) *= by; f += 1 }
    targets(to) = (rows.labels(row) - targetMean) * by
    squares += targets(to) * targets(to)
  }

  def merge(other: GramSum): this.type = {
    LossSum.add(other.gram, gram)
    LossSum.add(other.moment, moment)
    squares += other.squares
    this
  }
}

private object GramSum {
  // Rows that are multiplied together.
  private final val Tile = 64
}
