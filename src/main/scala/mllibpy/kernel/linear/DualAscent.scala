package mllibpy.kernel.linear

/** What dual ascent maximises. With W the sum of weights a, and the intercept kept near `centre`:
  * {{{
  * w = sum of a alpha x / (W l2),  b = centre + sum of a alpha / (W rho)
  * sum of a dual(y, alpha) / W - l2 / 2 |w|^2 - rho / 2 (b - centre)^2 - ...
  * }}}
  *
  * @param positive
  *   the class that is told from all others; -1 where labels are 0 and 1 or numbers
  * @param rho
  *   0 where there is no intercept
  * @param parts
  *   that ascend at the same time, and add up what they find
  */
final case class DualPlan(
    loss: MarginLoss with Conjugate,
    positive: Int,
    features: Int,
    stride: Int,
    weight: Double,
    l2: Double,
    rho: Double,
    parts: Int
) {
  def target(label: Double): Double =
    if (positive < 0) label else if (label == positive) 1 else 0
}

/** A block's dual variables by row, and its rows' squared lengths. */
final class DualState(val alpha: Array[Double], val squares: Array[Double]) extends Serializable

object DualState {
  def zeros(rows: Examples): DualState = {
    val squares = new Array[Double](rows.rows)
    var r = 0
    while (r < rows.rows) {
      var sum = 0.0
      rows.foreach(r)((_, x) => sum += x * x)
      squares(r) = sum
      r += 1
    }
    new DualState(new Array(rows.rows), squares)
  }
}

/** A round of CoCoA+ (Ma et al.: Adding vs. averaging in distributed primal-dual optimization,
  * 2015): each part goes once over its rows by dual coordinate ascent (Shalev-Shwartz and Zhang:
  * Stochastic dual coordinate ascent methods, 2013) as if the others' steps were like its own, so
  * that all may be added up. On the way, what the gap at the round's start is made of.
  *
  * @param at
  *   IN coefficients, padded, the intercept behind; they do not travel with the sums
  * @param shrink
  *   what dual variables above and below 0 are multiplied by in the dual objective
  */
final class DualAscent(
    plan: DualPlan,
    @transient private val at: Array[Double],
    shrink: (Double, Double),
    seed: Long
) extends Serializable {

  /** Sums over parts of where each has come to. */
  val moved: Array[Double] = at.clone()
  var parts = 1

  /** Sum of a alpha x over the rows with an alpha above 0, at the start. */
  val above: Array[Double] = new Array(if (plan.rho > 0) at.length else 0)
  var loss = 0.0
  var dual = 0.0

  /** Sums of a alpha over those above 0, and below, at the end. */
  var positive = 0.0
  var negative = 0.0

  /** @param blocks
    *   a part's, all of them: rows have to come in an order that differs from round to round,
    *   across blocks too. With blocks one after the other ten times as many rounds are needed.
    */
  def add(blocks: Seq[Examples], before: Seq[DualState]): Seq[DualState] = {
    val after = before.map(state => new DualState(state.alpha.clone(), state.squares)).toArray
    for ((rows, state) <- blocks.zip(before)) evaluate(rows, state.alpha)
    ascend(blocks.toArray, after)
    after.toSeq
  }

  private def evaluate(rows: Examples, alpha: Array[Double]): Unit = {
    val margins = new Array[Double](rows.tile)
    LossSum.tiles(rows) { (from, n) =>
      rows.margins(from, n, at, 1, margins)
      var r = 0
      while (r < n) {
        val by = rows.weight(from + r)
        val y = plan.target(rows.labels(from + r))
        val own = alpha(from + r)
        loss += by * plan.loss.value(y, margins(r) + at(plan.stride))
        dual += by * plan.loss.dual(y, own * (if (own > 0) shrink._1 else shrink._2))
        margins(r) = by * Math.max(0, own)
        r += 1
      }
      if (above.length > 0) rows.accumulate(from, n, margins, 1, above)
    }
  }

  private def ascend(blocks: Array[Examples], states: Array[DualState]): Unit = {
    val ends = blocks.scanLeft(0)(_ + _.rows)
    for (i <- RowOrder.shuffled(ends.last, seed)) {
      val found = java.util.Arrays.binarySearch(ends, i)
      // The last of the blocks that begin at or before a row: empty ones begin where the next does.
      var b = if (found >= 0) found else -found - 2
      while (ends(b + 1) <= i) b += 1
      step(blocks(b), states(b), i - ends(b))
    }
  }

  private def step(rows: Examples, state: DualState, r: Int): Unit = {
    val by = rows.weight(r)
    val y = plan.target(rows.labels(r))
    val own = state.alpha(r)
    val margin = rows.dot(r, moved, 0) + moved(plan.stride)
    val q = plan.parts * by / plan.weight * (state.squares(r) / plan.l2 + intercept)
    val next = plan.loss.ascend(y, margin, own, q)
    val change = plan.parts * by / plan.weight * (next - own)
    if (change != 0) {
      rows.addTo(r, change / plan.l2, moved, 0)
      moved(plan.stride) += change * intercept
      state.alpha(r) = next
    }
    if (next > 0) positive += by * next else negative -= by * next
  }

  private def intercept = if (plan.rho > 0) 1 / plan.rho else 0.0

  def merge(other: DualAscent): this.type = {
    LossSum.add(other.moved, moved)
    LossSum.add(other.above, above)
    parts += other.parts
    loss += other.loss
    dual += other.dual
    positive += other.positive
    negative += other.negative
    this
  }
}
