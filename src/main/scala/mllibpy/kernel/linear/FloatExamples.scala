package mllibpy.kernel.linear

/** Rows of float32 numbers, `stride` apart; what is summed over them is float64. */
final class FloatExamples(
    val features: Int,
    val values: Array[Float],
    labels: Array[Double],
    weights: Array[Double],
    products: DenseFloats = DenseFloats.best,
    wide: DenseDoubles = DenseDoubles.best
) extends Examples(labels, weights) {
  val stride: Int = DenseFloats.padded(features)
  def bytes: Long = 4L * values.length
  def tile: Int = Math.max(4, Math.min(256, Examples.TileBytes / (4 * stride)))

  def margins(from: Int, n: Int, w: Array[Double], models: Int, out: Array[Double]): Unit =
    if (models == 1) products.margins(values, stride, from, n, w, out)
    else wide.margins(widened(from, n), stride, 0, n, w, models, out)

  def accumulate(from: Int, n: Int, c: Array[Double], models: Int, sums: Array[Double]): Unit =
    if (models == 1) products.accumulate(values, stride, from, n, c, sums)
    else wide.accumulate(widened(from, n), stride, 0, n, c, models, sums)

  // With several models a number is used so often that this copy is little beside.
  private def widened(from: Int, n: Int): Array[Double] = {
    val out = new Array[Double](n * stride)
    val at = from * stride
    var i = 0
    while (i < out.length) { out(i) = values(at + i); i += 1 }
    out
  }

  /** Four sums, so that an addition need not wait for the one before. */
  def dot(row: Int, w: Array[Double], at: Int): Double = {
    var (a, b, c, d) = (0.0, 0.0, 0.0, 0.0)
    val x = row * stride
    var f = 0
    while (f + 4 <= features) {
      a += values(x + f) * w(at + f)
      b += values(x + f + 1) * w(at + f + 1)
      c += values(x + f + 2) * w(at + f + 2)
      d += values(x + f + 3) * w(at + f + 3)
      f += 4
    }
    while (f < features) { a += values(x + f) * w(at + f); f += 1 }
    (a + b) + (c + d)
  }

  def addTo(row: Int, by: Double, to: Array[Double], at: Int): Unit = {
    val x = row * stride
    var f = 0
    while (f < features) { to(at + f) += by * values(x + f); f += 1 }
  }

  def foreach(row: Int)(see: (Int, Double) => Unit): Unit = {
    var f = 0
    while (f < features) { see(f, values(row * stride + f).toDouble); f += 1 }
  }
}
