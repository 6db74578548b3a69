package mllibpy.kernel.linear

/** What is known of a data set before it is fitted: of each feature the weighted mean and sum of
  * squared distances from it (Chan, Golub, LeVeque 1983: merged without loss), of the labels their
  * mean, and how much weighs each class.
  */
final class Moments(val features: Int, val classes: Int) extends Serializable {
  var rows = 0L
  var weight = 0.0
  var targetMean = 0.0
  val means = new Array[Double](features)
  private val squares = new Array[Double](features)
  val classWeights = new Array[Double](classes)

  /** The variance of a feature over the weights (not one less); 0 where it is no more than the
    * sums' rounding (Chan, Golub, LeVeque 1983), as of a column of 0.1.
    */
  def variance(f: Int): Double = {
    val found = if (weight > 0) squares(f) / weight else 0
    val off = rows * Moments.Epsilon * means(f)
    if (found <= rows * Moments.Epsilon * found + off * off) 0 else found
  }

  def add(block: Examples): this.type = {
    val own = new Moments(features, classes)
    own.sum(block)
    own.spread(block)
    merge(own)
  }

  private def sum(block: Examples): Unit = {
    rows = block.rows.toLong
    var r = 0
    while (r < block.rows) {
      val by = block.weight(r)
      weight += by
      targetMean += by * block.labels(r)
      if (classes > 0) classWeights(block.labels(r).toInt) += by
      block.foreach(r)((f, x) => means(f) += by * x)
      r += 1
    }
    if (weight > 0) {
      targetMean /= weight
      for (f <- means.indices) means(f) /= weight
    }
  }

  /** Around the mean; what a sparse row does not show is 0. */
  private def spread(block: Examples): Unit = {
    val shown = new Array[Double](features)
    var r = 0
    while (r < block.rows) {
      val by = block.weight(r)
      block.foreach(r) { (f, x) =>
        squares(f) += by * (x - means(f)) * (x - means(f))
        shown(f) += by
      }
      r += 1
    }
    for (f <- means.indices)
      squares(f) += Math.max(0, weight - shown(f)) * means(f) * means(f)
  }

  def merge(other: Moments): this.type = {
    val total = weight + other.weight
    if (total > 0) for (f <- means.indices) {
      val apart = other.means(f) - means(f)
      squares(f) += other.squares(f) + apart * apart * weight * (other.weight / total)
      means(f) += apart * (other.weight / total)
    }
    if (total > 0) targetMean += (other.targetMean - targetMean) * (other.weight / total)
    LossSum.add(other.classWeights, classWeights)
    rows += other.rows
    weight = total
    this
  }
}

private object Moments {
  private final val Epsilon = 2.220446049250313e-16
}
