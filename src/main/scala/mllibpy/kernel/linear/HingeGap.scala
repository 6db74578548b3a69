package mllibpy.kernel.linear

/** What certifies coefficients of a hinge that was rounded off: its value, and dual variables that
  * its slopes give, `label * min(1, short / width)`; those above and below 0 apart, so that each
  * side can be shrunk until they add up to 0.
  *
  * @param positive
  *   the class that is told from all others; -1 where labels are 0 and 1
  * @param at
  *   IN coefficients, padded, the intercept behind; they do not travel with the sums
  */
final class HingeGap(width: Double, positive: Int, @transient private val at: Array[Double])
    extends Serializable {
  var loss = 0.0

  /** Sums of a |alpha|, and of a |alpha| x. */
  var above = 0.0
  var below = 0.0
  val ofAbove = new Array[Double](at.length)
  val ofBelow = new Array[Double](at.length)

  def add(rows: Examples): this.type = {
    val margins = new Array[Double](rows.tile)
    val other = new Array[Double](rows.tile)
    LossSum.tiles(rows) { (from, n) =>
      rows.margins(from, n, at, 1, margins)
      var r = 0
      while (r < n) {
        val label = rows.labels(from + r)
        val sign = if (positive < 0) 2 * label - 1 else if (label == positive) 1.0 else -1.0
        val short = Math.max(0, 1 - sign * (margins(r) + at(at.length - 1)))
        val alpha = rows.weight(from + r) * Math.min(1, short / width)
        loss += rows.weight(from + r) * short
        margins(r) = if (sign > 0) alpha else 0
        other(r) = if (sign < 0) alpha else 0
        above += margins(r)
        below += other(r)
        r += 1
      }
      rows.accumulate(from, n, margins, 1, ofAbove)
      rows.accumulate(from, n, other, 1, ofBelow)
    }
    this
  }

  def merge(from: HingeGap): this.type = {
    LossSum.add(from.ofAbove, ofAbove)
    LossSum.add(from.ofBelow, ofBelow)
    loss += from.loss
    above += from.above
    below += from.below
    this
  }

  /** The dual objective, with the coefficients that these dual variables stand for.
    *
    * @param weight
    *   of all rows
    */
  def dual(weight: Double, l2: Double, intercept: Boolean): Double = {
    val most = Math.min(above, below)
    def shrink(side: Double) = if (intercept && side > 0) most / side else 1.0
    val (up, down) = (shrink(above), shrink(below))
    var squares = 0.0
    for (f <- 0 until ofAbove.length - 1) {
      val w = (up * ofAbove(f) - down * ofBelow(f)) / (weight * l2)
      squares += w * w
    }
    (up * above + down * below) / weight - l2 / 2 * squares
  }
}
