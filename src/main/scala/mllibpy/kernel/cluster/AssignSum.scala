package mllibpy.kernel.cluster

import mllibpy.kernel.linear.Examples

/** What a pass does for one of the starts that share it.
  *
  * @param active
  *   whether it takes part
  * @param changes
  *   whether its sums are of what changed since the pass before, not of all rows
  * @param bounds
  *   whether it keeps bounds; with those that the pass before has left it skips rows
  * @param drift
  *   how far each centre has moved since the pass before
  * @param gaps
  *   how far each centre is from the nearest other one
  */
final class StartPlan(
    val centres: Centres,
    val active: Boolean,
    val changes: Boolean,
    val bounds: Boolean,
    val drift: Array[Double],
    val gaps: Array[Double]
) extends Serializable {

  /** The longest drift, whose it is, and the longest of the others. */
  @transient lazy val longest: Int = drift.indices.maxBy(drift(_))
  @transient lazy val next: Double = {
    var most = 0.0
    for (c <- drift.indices if c != longest) most = Math.max(most, drift(c))
    most
  }

  /** How far another centre than this one has moved at most. */
  def others(c: Int): Double = if (c == longest) next else drift(longest)
}

/** A pass: which, of which fit, and what it does. */
final class AssignPlan(
    val fit: Long,
    val pass: Int,
    val keep: Boolean,
    val starts: Array[StartPlan]
) extends Serializable

/** Assignments of rows to their nearest centres, summed by centre: the statistic of a pass of
  * Lloyd's algorithm, for several starts at once.
  *
  * Rows that bounds settle (Hamerly: Making k-means even faster, 2010) are not scored. Bounds are
  * widened by what scores are rounded by, so that a row is skipped only where its scores would give
  * it the same centre: bounds change no assignment.
  */
final class AssignSum(@transient private val plan: AssignPlan) extends Serializable {
  private val of = plan.starts
  val sums: Array[Array[Double]] = of.map(s => new Array[Double](s.centres.values.length))
  val weights: Array[Array[Double]] = of.map(s => new Array[Double](s.centres.k))

  /** Rows of some weight. */
  val counts: Array[Array[Long]] = of.map(s => new Array[Long](s.centres.k))

  /** Rows that went to another centre, and rows that were scored with all centres. */
  val moved = new Array[Long](of.length)
  val scored = new Array[Long](of.length)
  var rows = 0L
  private val going = of.indices.filter(of(_).active)

  /** Whether a state was missing that sums of changes need: they are of no use then. */
  var lost = false

  def add(block: Examples): this.type = {
    val search = Search.of(block)
    val found =
      if (plan.pass == 0 || !plan.keep) null else RowStates.take(block, plan.fit, plan.pass)
    val state = if (found != null) found else new RowState(block.rows, of.length)
    if (found == null && going.exists(of(_).changes)) lost = true
    rows += block.rows
    if (going.exists(s => of(s).bounds || of(s).centres.cosine))
      state.measure(search, of.head.centres)
    val bounded = going.filter(s => of(s).bounds && state.lower(s) != null)
    val full = going.diff(bounded).toArray
    for (s <- full) if (of(s).bounds) begin(state, s)
    if (full.nonEmpty) scoreAll(block, state, search, full)
    for (s <- bounded) scoreSome(block, state, search, s)
    if (plan.keep) {
      for (s <- going) if (!of(s).bounds) end(state, s)
      RowStates.put(block, plan.fit, plan.pass + 1, state)
    }
    this
  }

  private def begin(state: RowState, s: Int): Unit = {
    state.upper(s) = new Array[Float](state.rows)
    state.lower(s) = new Array[Float](state.rows)
  }

  private def end(state: RowState, s: Int): Unit = {
    state.upper(s) = null
    state.lower(s) = null
  }

  private def scoreAll(
      block: Examples,
      state: RowState,
      search: Search,
      full: Array[Int]
  ): Unit = Search.tiles(block.rows) { (from, n) =>
    search.take(from, n)
    var i = 0
    while (i < full.length) {
      val s = full(i)
      search.find(of(s).centres, of(s).bounds)
      var r = 0
      while (r < n) {
        assign(block, state, s, from + r, search.which(r))
        if (of(s).bounds) bound(state, search, s, from + r, r)
        r += 1
      }
      scored(s) += n
      i += 1
    }
  }

  /** Scores the rows that bounds leave open. */
  private def scoreSome(block: Examples, state: RowState, search: Search, s: Int): Unit = {
    val open = new Array[Int](block.rows)
    var n = 0
    var row = 0
    while (row < block.rows) {
      if (!settled(state, search, s, row)) {
        open(n) = row
        n += 1
      }
      row += 1
    }
    Search.tiles(n) { (from, m) =>
      search.gather(open, from, m)
      search.find(of(s).centres, two = true)
      var r = 0
      while (r < m) {
        relabel(block, state, s, open(from + r), search.which(r))
        bound(state, search, s, open(from + r), r)
        r += 1
      }
    }
    scored(s) += n
    // In the rows' order, as without bounds: sums are then the same to the last bit.
    if (!of(s).changes) for (row <- 0 until block.rows) put(block, state, s, row, 1)
  }

  /** Whether a row's centre is the nearest one still; moves its bounds with the centres. */
  private def settled(state: RowState, search: Search, s: Int, row: Int): Boolean = {
    val start = of(s)
    val own = state.labels(s)(row)
    val lower = AssignSum.down(state.lower(s)(row) - start.others(own))
    val upper = AssignSum.up(state.upper(s)(row) + start.drift(own))
    state.lower(s)(row) = lower
    val slack = widened(state, search, s, row)
    if (apart(start, own, lower, upper, slack)) {
      state.upper(s)(row) = upper
      true
    } else {
      // The distance itself may be well below what it was at most.
      val score = search.score(row, start.centres, own)
      val now = AssignSum.up(Math.sqrt(distance(state, s, row, score) + slack))
      state.upper(s)(row) = now
      apart(start, own, lower, now, slack)
    }
  }

  /** Whether any other centre is farther than the own one by more than scores can be wrong. */
  private def apart(
      start: StartPlan,
      own: Int,
      lower: Float,
      upper: Float,
      slack: Double
  ): Boolean = {
    val least = Math.max(lower.toDouble, start.gaps(own) - upper)
    least > 0 && least * least - upper.toDouble * upper > slack
  }

  /** By how much two squared distances can be wrong together. */
  private def widened(state: RowState, search: Search, s: Int, row: Int): Double = {
    val centres = of(s).centres
    val slack = 4 * search.slack(centres, state.lengths(row))
    if (centres.cosine) slack / state.lengths(row) + AssignSum.Margin
    else slack + AssignSum.Margin * state.around(row)
  }

  private def bound(state: RowState, search: Search, s: Int, row: Int, r: Int): Unit = {
    val slack = widened(state, search, s, row)
    state.upper(s)(row) = AssignSum.up(Math.sqrt(distance(state, s, row, search.best(r)) + slack))
    state.lower(s)(row) =
      AssignSum.down(Math.sqrt(Math.max(0, distance(state, s, row, search.second(r)) - slack)))
  }

  private def distance(state: RowState, s: Int, row: Int, score: Double): Double =
    if (of(s).centres.cosine) Math.max(0, 2 - 2 * score / state.lengths(row))
    else Math.max(0, state.around(row) - 2 * score)

  private def assign(block: Examples, state: RowState, s: Int, row: Int, to: Int): Unit = {
    relabel(block, state, s, row, to)
    if (!of(s).changes) put(block, state, s, row, 1)
  }

  /** Gives a row to another centre, and the change to the sums that are of changes. */
  private def relabel(block: Examples, state: RowState, s: Int, row: Int, to: Int): Unit = {
    val labels = state.labels(s)
    if (labels(row) != to) {
      moved(s) += 1
      if (of(s).changes && labels(row) >= 0) put(block, state, s, row, -1)
      labels(row) = to
      if (of(s).changes) put(block, state, s, row, 1)
    }
  }

  private def put(block: Examples, state: RowState, s: Int, row: Int, sign: Double): Unit = {
    val centres = of(s).centres
    val c = state.labels(s)(row)
    val weight = sign * block.weight(row)
    weights(s)(c) += weight
    if (weight > 0) counts(s)(c) += 1 else if (weight < 0) counts(s)(c) -= 1
    val by = if (centres.cosine) weight / state.lengths(row) else weight
    block.addTo(row, by, sums(s), c * centres.features)
  }

  def merge(other: AssignSum): this.type = {
    for (s <- sums.indices) {
      AssignSum.add(other.sums(s), sums(s))
      AssignSum.add(other.weights(s), weights(s))
      for (c <- counts(s).indices) counts(s)(c) += other.counts(s)(c)
      moved(s) += other.moved(s)
      scored(s) += other.scored(s)
    }
    rows += other.rows
    lost |= other.lost
    this
  }
}

private[cluster] object AssignSum {

  /** A share of squared distances that is above what float64 rounds them by. */
  final val Margin = 1e-12

  def up(x: Double): Float = Math.nextUp((x * (1 + Margin)).toFloat)
  def down(x: Double): Float = Math.nextDown((x * (1 - Margin)).toFloat)

  def add(from: Array[Double], to: Array[Double]): Unit = {
    var i = 0
    while (i < to.length) { to(i) += from(i); i += 1 }
  }
}
