package mllibpy.kernel.cluster

import mllibpy.kernel.linear.Examples

/** What a round of drawing does for one of the starts that share it.
  *
  * @param start
  *   its number among all starts of the fit
  * @param fresh
  *   candidates that rows have not been held against; `known` are those before
  * @param most
  *   rows to draw; a row's chance is its weight times its distance from the nearest candidate (the
  *   weight alone while there are none)
  * @param draw
  *   numbers the round, and keeps its draws apart from all others
  */
final class DrawPlan(
    val start: Int,
    val known: Option[Centres],
    val fresh: Option[Centres],
    val most: Int,
    val draw: Long,
    val features: Int,
    val cosine: Boolean,
    val shift: Array[Double]
) extends Serializable

/** A round of several starts, in one pass: which, and of which fit. */
final class DrawPlans(val fit: Long, val round: Int, val starts: Array[DrawPlan])
    extends Serializable

/** Rows drawn far from some candidates, and how much weighs what is near each: the statistic of a
  * round of k-means|| (Bahmani et al.: Scalable k-means++, 2012). The round draws a fixed number of
  * rows, so that it takes one pass and not another for the sum of the chances.
  */
final class DrawSum(@transient private val plan: DrawPlan) extends Serializable {
  private val candidates = plan.known.map(_.k).getOrElse(0) + plan.fresh.map(_.k).getOrElse(0)
  val drawn = new Drawn(plan.most, plan.features)
  val weights = new Array[Double](candidates)
  var cost = 0.0

  /** Adds a block, and gives the nearest candidates of its rows.
    *
    * @param before
    *   those that the round before has left; null where they are not here
    */
  private[cluster] def add(
      block: Examples,
      search: Search,
      keys: Array[Long],
      before: Near
  ): Near = {
    val near = nearest(block, search, before)
    var row = 0
    while (row < block.rows) {
      val weight = block.weight(row)
      val mass = if (candidates == 0) weight else weight * near.distances(row)
      if (candidates > 0) {
        cost += mass
        weights(near.centres(row)) += weight
      }
      if (plan.most > 0 && mass > 0) draw(block, keys(row), row, mass)
      row += 1
    }
    near
  }

  private def draw(block: Examples, key: Long, row: Int, mass: Double): Unit =
    drawn.offer(
      RowKeys.time(key, plan.draw, mass),
      Points.row(block, row, plan.cosine)
    )

  private def nearest(block: Examples, search: Search, before: Near): Near = {
    val near = if (before != null) before else new Near(block.rows)
    if (before == null) for (c <- plan.known) near.hold(block, search, c, 0)
    for (c <- plan.fresh) near.hold(block, search, c, candidates - c.k)
    near
  }

  def merge(other: DrawSum): this.type = {
    drawn.merge(other.drawn)
    AssignSum.add(other.weights, weights)
    cost += other.cost
    this
  }
}

/** A round of several starts, in one pass. Distances from the nearest candidates rest beside the
  * blocks, those of all starts together; where they are lost they are found anew.
  */
final class DrawSums(
    @transient private val plans: DrawPlans,
    @transient private val first: Examples => Long
) extends Serializable {
  val sums: Array[DrawSum] = plans.starts.map(new DrawSum(_))
  @transient private lazy val rowKeys = new RowKeys(first)

  def add(block: Examples): this.type = {
    val search = Search.of(block)
    val keys = if (plans.starts.exists(_.most > 0)) rowKeys.next(block) else null
    val before = Option(NearStates.take(block, plans.fit, plans.round)).getOrElse(Map.empty)
    val near = plans.starts.zip(sums).map { case (plan, sum) =>
      plan.start -> sum.add(block, search, keys, before.getOrElse(plan.start, null))
    }
    NearStates.put(block, plans.fit, plans.round + 1, near.toMap)
    this
  }

  def merge(other: DrawSums): this.type = {
    for (i <- sums.indices) sums(i).merge(other.sums(i))
    this
  }
}

/** Of each row the nearest candidate, and how far it is: the squared distance, or 1 - cos. */
private[cluster] final class Near(rows: Int) {
  val centres = new Array[Int](rows)
  val distances: Array[Double] = Array.fill(rows)(Double.PositiveInfinity)

  /** Holds rows against more candidates, the first of which has the number `number`. */
  def hold(block: Examples, search: Search, fresh: Centres, number: Int): Unit = {
    val square = Search.square(fresh.shift, 0, fresh.features)
    Search.tiles(rows) { (from, n) =>
      search.take(from, n)
      search.find(fresh, two = false)
      for (r <- 0 until n) {
        val row = from + r
        val length = search.length(row)
        val slack = 2 * search.slack(fresh, length)
        val score = search.best(r)
        val apart =
          if (fresh.cosine) 1 - score / length
          else search.squared(row, fresh.shift, 0, square) - 2 * score
        // What is as good as 0 is found by differences: a candidate must not be drawn again.
        val sure =
          if (apart > 16 * slack) apart else Distance(search, fresh, row, search.which(r))
        if (sure < distances(row)) {
          distances(row) = sure
          centres(row) = number + search.which(r)
        }
      }
    }
  }
}

/** By start. */
private[cluster] object NearStates extends Beside[Map[Int, Near]]
