package mllibpy.kernel

/** One row's ratings as the weights and targets of its equations
  * {{{(background G + sum w y y^T + ridge I) x = sum t y}}} with v the weight that a rating was
  * given, or 1: explicit: no G, w = v, t = v (r - mean); implicit: w = v alpha |r|, t = (1 + w) p;
  * with an unobserved weight: w = v, t = v p.
  */
private[kernel] final class RowRatings(objective: Objective) {
  var columns = new Array[Int](256)
  var targets = new Array[Float](256)

  /** Null where all weights are 1. */
  var weights: Array[Float] = null

  /** Their square roots. */
  var roots: Array[Float] = null

  /** Number of entries, and how many of them count for the ridge. */
  var n = 0
  var count = 0

  /** What the row adds to the objective where x = 0. */
  var constant = 0.0

  private val confident: Boolean =
    objective.implicitFeedback && objective.unobservedWeight.isEmpty

  def load(rows: SparseRows, row: Int): Unit = {
    n = rows.degree(row)
    val weighted = confident || rows.weighted
    if (n > columns.length || (weighted && weights == null))
      grow(Math.max(n, (columns.length.toLong * 3 / 2).toInt), weighted)
    if (!weighted) {
      weights = null
      roots = null
    }
    rows.read(rows.start(row), n, columns, targets)
    if (rows.weighted) rows.readWeights(rows.start(row), n, weights)
    constant = 0
    count = 0
    if (confident) weigh(rows.weighted)
    else {
      if (objective.implicitFeedback) prefer() else centre()
      if (rows.weighted) scale()
    }
  }

  private def grow(length: Int, weighted: Boolean): Unit = {
    columns = new Array[Int](length)
    targets = new Array[Float](length)
    if (weighted) {
      weights = new Array[Float](length)
      roots = new Array[Float](length)
    }
  }

  private def weigh(weighted: Boolean): Unit = {
    var i = 0
    while (i < n) {
      val r = targets(i)
      val confidence = objective.alpha * Math.abs(r)
      val w = if (weighted) weights(i) * confidence else confidence
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

  /** Multiplies the equations by the weights that were given. */
  private def scale(): Unit = {
    constant = 0
    var i = 0
    while (i < n) {
      val w = weights(i)
      val t = targets(i)
      roots(i) = Math.sqrt(w.toDouble).toFloat
      targets(i) = w * t
      constant += w.toDouble * t * t
      i += 1
    }
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
