package mllibpy.kernel

/** One row's ratings as the weights and targets of its equations
  * {{{(background G + sum w y y^T + ridge I) x = sum t y}}} explicit: no G, w = 1, t = r - mean;
  * implicit: w = alpha |r|, t = (1 + w) p; with an unobserved weight: w = 1, t = p.
  */
private[kernel] final class RowRatings(objective: Objective) {
  var columns = new Array[Int](256)
  var targets = new Array[Float](256)

  /** Null where all weights are 1. */
  var weights: Array[Float] = if (weighted) new Array[Float](256) else null

  /** Their square roots. */
  var roots: Array[Float] = if (weighted) new Array[Float](256) else null

  /** Number of entries, and how many of them count for the ridge. */
  var n = 0
  var count = 0

  /** What the row adds to the objective where x = 0. */
  var constant = 0.0

  private def weighted: Boolean =
    objective.implicitFeedback && objective.unobservedWeight.isEmpty

  def load(rows: SparseRows, row: Int): Unit = {
    n = rows.degree(row)
    if (n > columns.length) grow(Math.max(n, (columns.length.toLong * 3 / 2).toInt))
    rows.read(rows.start(row), n, columns, targets)
    constant = 0
    count = 0
    if (weighted) weigh() else if (objective.implicitFeedback) prefer() else centre()
  }

  private def grow(length: Int): Unit = {
    columns = new Array[Int](length)
    targets = new Array[Float](length)
    if (weighted) {
      weights = new Array[Float](length)
      roots = new Array[Float](length)
    }
  }

  private def weigh(): Unit = {
    var i = 0
    while (i < n) {
      val r = targets(i)
      val w = objective.alpha * Math.abs(r)
      weights(i) = w
      roots(i) = Math.sqrt(w.toDouble).toFloat
      if (r > 0) {
        targets(i) = 1f + w
        constant += 1.0 + w
        count += 1
      } else targets(i) = 0f
      i += 1
    }
  }

  private def prefer(): Unit = {
    var i = 0
    while (i < n) {
      if (targets(i) > 0) {
        targets(i) = 1f
        count += 1
      } else targets(i) = 0f
      i += 1
    }
    constant = count
  }

  private def centre(): Unit = {
    var i = 0
    while (i < n) {
      val t = targets(i) - objective.mean
      targets(i) = t
      constant += t.toDouble * t
      i += 1
    }
    count = n
  }
}
