package mllibpy.kernel.cluster

import mllibpy.kernel.linear.Examples

/** What is known of a data set before it is clustered: the weighted mean of its rows, and the sum
  * of squared distances from it (merged without loss: Chan, Golub, LeVeque 1983).
  */
final class Spread(val features: Int) extends Serializable {
  var rows = 0L
  var weight = 0.0

  /** Rows of zeros alone, which have no direction, and the longest row. */
  var zeros = 0L
  var longest = 0.0
  val mean = new Array[Double](features)
  var squares = 0.0

  def add(block: Examples): this.type = {
    val own = new Spread(features)
    own.see(block)
    merge(own)
  }

  private def see(block: Examples): Unit = {
    val search = Search.of(block)
    rows = block.rows.toLong
    for (r <- 0 until block.rows) {
      weight += block.weight(r)
      block.addTo(r, block.weight(r), mean, 0)
      val length = search.length(r)
      if (length == 0) zeros += 1
      if (length > longest) longest = length
    }
    if (weight > 0) {
      for (f <- mean.indices) mean(f) /= weight
      val square = Search.square(mean, 0, features)
      for (r <- 0 until block.rows)
        squares += block.weight(r) * search.squared(r, mean, 0, square)
    }
  }

  def merge(other: Spread): this.type = {
    val total = weight + other.weight
    if (total > 0) {
      val share = other.weight / total
      var apart = 0.0
      for (f <- mean.indices) {
        val d = other.mean(f) - mean(f)
        apart += d * d
        mean(f) += d * share
      }
      squares += other.squares + apart * weight * share
    }
    weight = total
    rows += other.rows
    zeros += other.zeros
    longest = Math.max(longest, other.longest)
    this
  }
}
