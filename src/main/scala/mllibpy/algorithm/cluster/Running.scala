package mllibpy.algorithm.cluster

import mllibpy.engine.InvalidInput
import mllibpy.kernel.cluster.{AssignSum, Centres, Points, Search, Spread, StartPlan}

/** One start on its way: where its centres are, and what its passes have said. */
private[cluster] final class Running(
    var centres: Centres,
    spread: Spread,
    p: KMeansParams,
    remembers: Boolean,
    cores: Int
) {
  var iterations = 0
  var reason: Option[String] = None
  var history = Vector.empty[Double]
  var scored = Vector.empty[Double]
  var reseeded = 0

  // By centre: sums of its rows, their weights, how many; and how far centres moved.
  private var sums: Array[Double] = _
  private var weights: Array[Double] = _
  private var counts: Array[Long] = _
  private var drift = new Array[Double](centres.k)
  private var moved = 1.0
  private var bounded = false
  private val pays = new BoundsPay(p.bounds, centres.k, centres.features, spread.rows, cores)
  private val enough = Running.enough(p, spread)

  /** Whether the next pass sums what changes alone: rows remember their centres where blocks are
    * the driver's, and once few rows change that is less to do.
    */
  private def changes = remembers && sums != null && moved < Running.FewMove

  def plan(): StartPlan = {
    val bounds = reason.isEmpty && pays.wanted(iterations, moved)
    new StartPlan(
      centres,
      reason.isEmpty,
      changes,
      bounds,
      drift,
      if (bounds) Running.gaps(centres) else null
    )
  }

  /** Drops what passes remember, so that the next one goes over all rows. */
  def forget(): Unit = sums = null

  /** What the pass found; the centres of the next. Gives the clusters that are empty. */
  def see(found: AssignSum, s: Int, plan: StartPlan): Seq[Int] = {
    take(found, s, plan.changes)
    iterations += 1
    moved = found.moved(s).toDouble / Math.max(1, found.rows)
    scored :+= found.scored(s).toDouble / Math.max(1, found.rows)
    if (plan.bounds && bounded) pays.learn(iterations, scored.last)
    bounded = plan.bounds
    history :+= inertia
    counts.indices.filter(counts(_) == 0)
  }

  private def take(found: AssignSum, s: Int, changed: Boolean): Unit =
    if (!changed) {
      sums = found.sums(s)
      weights = found.weights(s)
      counts = found.counts(s)
    } else {
      for (i <- sums.indices) sums(i) += found.sums(s)(i)
      for (c <- weights.indices) {
        weights(c) += found.weights(s)(c)
        counts(c) += found.counts(s)(c)
        // What rounding leaves of rows that have all gone is none of theirs.
        if (counts(c) == 0) clear(sums, weights, c)
      }
    }

  private def clear(sums: Array[Double], weights: Array[Double], c: Int): Unit = {
    java.util.Arrays.fill(sums, c * centres.features, (c + 1) * centres.features, 0.0)
    weights(c) = 0
  }

  /** The weighted sum of squared distances, from the sums alone: around the mean, in float64. */
  private def inertia: Double = {
    val n = centres.features
    var sum = if (p.cosine) spread.weight else spread.squares
    for (c <- 0 until centres.k) {
      var product = 0.0
      var square = 0.0
      for (f <- 0 until n) {
        val at = c * n + f
        if (p.cosine) product += centres.values(at) * sums(at)
        else {
          val v = centres.values(at) - centres.shift(f)
          product += 2 * v * (sums(at) - weights(c) * centres.shift(f))
          square += v * v
        }
      }
      sum += weights(c) * square - product
    }
    Math.max(0, sum)
  }

  /** Moves the centres to the means of their rows; says why to end, if so.
    *
    * @param far
    *   rows that empty clusters take, each with its cluster's number and its weight behind
    */
  def move(empty: Seq[Int], far: Seq[Array[Double]]): Unit = {
    val (s, w) = if (far.isEmpty) (sums, weights) else relocated(empty, far)
    val values = Running.means(centres, s, w)
    val before = centres
    centres = new Centres(before.k, before.features, values, before.shift, before.cosine)
    drift = Array.tabulate(before.k) { c =>
      Math.sqrt(centres.apart(c, before.values, c * before.features))
    }
    val shift = drift.map(d => d * d).sum
    reseeded += far.length
    // Rows that were just given to empty clusters move in the next pass.
    val settled = far.isEmpty
    reason =
      if (settled && (shift == 0 || (remembers && iterations > 1 && moved == 0)))
        Some("no row changed its cluster")
      else if (settled && shift <= enough) Some(s"the centres moved by less than tol=${p.tol}")
      else if (iterations >= p.maxIter) Some(s"max_iter=${p.maxIter} iterations done")
      else None
  }

  /** Sums after the rows in `far` went to the empty clusters. */
  private def relocated(empty: Seq[Int], far: Seq[Array[Double]]) = {
    val (s, w, left) = (sums.clone(), weights.clone(), counts.clone())
    val n = centres.features
    for ((c, row) <- empty.zip(far)) {
      val (from, weight) = (row(n).toInt, row(n + 1))
      for (f <- 0 until n) {
        s(from * n + f) -= weight * row(f)
        s(c * n + f) = weight * row(f)
      }
      w(from) -= weight
      w(c) = weight
      left(from) -= 1
      if (left(from) == 0) clear(s, w, from)
    }
    (s, w)
  }

  /** Leaves empty clusters out. */
  def drop(empty: Seq[Int]): Unit = {
    val kept = (0 until centres.k).filterNot(empty.toSet)
    val n = centres.features
    def rows(of: Array[Double]) = kept.flatMap(c => of.slice(c * n, (c + 1) * n)).toArray
    if (sums != null) sums = rows(sums)
    weights = kept.map(weights(_)).toArray
    counts = kept.map(counts(_)).toArray
    centres = new Centres(kept.length, n, rows(centres.values), centres.shift, centres.cosine)
  }

  /** Makes one of centres that have the same direction but for rounding, by which rows would choose
    * between them: all but the first are left without rows.
    *
    * @param same
    *   the squared distance of two directions that rounding leaves
    */
  def collapse(same: Double): Unit = if (p.cosine) {
    val n = centres.features
    val values = centres.values.clone()
    for (c <- 1 until centres.k)
      (0 until c).find(b => centres.apart(c, values, b * n) < same).foreach { b =>
        System.arraycopy(values, b * n, values, c * n, n)
      }
    centres = new Centres(centres.k, n, values, centres.shift, cosine = true)
  }

  def refuseEmpty(empty: Seq[Int]): Unit =
    InvalidInput.unless(
      empty.isEmpty || p.empty != "error",
      s"${empty.length} of ${centres.k} clusters became empty in iteration $iterations; take fewer clusters, or empty_cluster='reseed' or 'drop'"
    )
}

private[cluster] object Running {
  private final val FewMove = 0.4

  /** The squared moves of the centres, summed, that end a fit: a share of the features' mean
    * variance, about which directions, of length 1, have 1 / features.
    */
  private[cluster] def enough(p: KMeansParams, spread: Spread): Double = {
    val variance = if (p.cosine) 1.0 else spread.squares / spread.weight
    p.tol * variance / spread.features
  }

  private[cluster] def means(
      centres: Centres,
      sums: Array[Double],
      weights: Array[Double]
  ): Array[Double] = {
    val n = centres.features
    val out = centres.values.clone()
    for (c <- weights.indices if weights(c) > 0) {
      val by =
        if (!centres.cosine) 1 / weights(c)
        else {
          val length = Math.sqrt(Search.square(sums, c * n, n))
          if (length > 0) 1 / length else 0
        }
      if (by > 0) for (f <- 0 until n) out(c * n + f) = sums(c * n + f) * by
    }
    out
  }

  /** How far each centre is from the nearest other one, at least. */
  private[cluster] def gaps(centres: Centres): Array[Double] = {
    val n = centres.features
    val search = Search.of(Points.dense(centres.values, n, null))
    val square = Search.square(centres.shift, 0, n)
    val out = new Array[Double](centres.k)
    Search.tiles(centres.k) { (from, count) =>
      search.take(from, count)
      search.find(centres, two = true)
      for (r <- 0 until count) {
        val slack = 2 * search.slack(centres, search.length(from + r))
        val around =
          if (centres.cosine) 2.0 else search.squared(from + r, centres.shift, 0, square)
        out(from + r) = Math.sqrt(Math.max(0, around - 2 * search.second(r) - slack))
      }
    }
    out
  }
}

/** Whether bounds are worth their upkeep: looking at a row's bounds, and measuring its distance
  * where they are too wide, against scoring it with all centres, by rates of common processors and
  * by how many rows the last pass with bounds had to score. The centres' gaps come to that: k rows'
  * scores on one core of the driver, while the others wait.
  */
private[cluster] final class BoundsPay(how: String, k: Int, features: Int, rows: Long, cores: Int) {
  // Nanoseconds to score a row, of 16 centres at once, to look at its bounds and to measure it.
  private val score = 8 + (k + 15) / 16 * 16 * features / 50.0
  private val look = 20.0
  private val measure = 10 + features / 10.0
  private val gaps = k * score * cores / Math.max(1, rows)
  private var from = 0
  private var pause = 4

  /** @param settled
    *   the share of rows that need no scores
    */
  private def pay(settled: Double) = settled * score > look + (1 - settled) * measure + gaps

  def wanted(iteration: Int, moved: Double): Boolean = how match {
    case "always" => true
    case "never"  => false
    case _        => iteration >= Math.max(1, from) && k > 1 && moved < 0.3 && pay(0.6)
  }

  /** @param scored
    *   the share of rows that the pass had to score
    */
  def learn(iteration: Int, scored: Double): Unit =
    if (!pay(1 - scored)) {
      from = iteration + pause
      pause *= 2
    }
}
