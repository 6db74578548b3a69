package mllibpy.algorithm.als

import mllibpy.engine.{Buckets, Ended, IdSpace, InvalidInput, Loop, Monitor}
import mllibpy.kernel.Prior
import org.apache.spark.SparkContext

/** Alternating least squares. A fit is: check, lay the ratings out both ways, choose how to move,
  * alternate, gather the model.
  *
  * Jobs: 1 (check; 2 where the source has lines or rows to complain about) + 2 (layout, a shuffle
  * each) + 1 (initial item factors) + 2 per iteration (no shuffle each with models on the driver,
  * one shuffle each in blocks) + 1 (seen items), and 1 + 1 more where ratings are broadcast
  * (fetching them) or factors rest in blocks (fetching them).
  */
object Als {
  def fit(ratings: Ratings, params: AlsParams): AlsModel = fit(ratings, params, new Monitor)

  def fit(ratings: Ratings, params: AlsParams, monitor: Monitor): AlsModel = {
    val sc = ratings.chunks.sparkContext
    val began = System.nanoTime()
    monitor.enter("checking the ratings")
    ratings.facts
    monitor.enter("laying out the ratings")
    val laidOut = LaidOut(ratings, blocks(ratings, params, sc), params.duplicates)
    try {
      val laid = System.nanoTime()
      val plan = params.plan(ratings.facts.mean)
      val step = new BlockStep(
        plan,
        laidOut.buckets,
        laidOut.users.keys.length.toLong,
        laidOut.items.keys.length.toLong
      )
      val strategy = choose(laidOut, params, sc)
      monitor.enter(s"fitting ($strategy)")
      val fit = new Fit(sc, ratings, laidOut, params, plan, strategy, monitor)
      val model = strategy match {
        case "broadcast"     => fit.run(new BroadcastEverything(sc, laidOut, step))
        case "data-parallel" => fit.run(new DataParallel(sc, laidOut, step))
        case _               => fit.run(new Blocked(laidOut, step))
      }
      val now = System.nanoTime()
      model.timed(Map("layout" -> (laid - began) / 1e9, "total" -> (now - began) / 1e9))
    } finally laidOut.release()
  }

  /** One block per core, but not for less than 10,000 ratings each, and none beyond 2^27. */
  private def blocks(ratings: Ratings, params: AlsParams, sc: SparkContext): Int =
    params.numBlocks.getOrElse {
      val n = ratings.facts.count
      val useful = Math.min(sc.defaultParallelism.toLong, Math.max(1L, n / 10000))
      Math.min(Buckets.Most.toLong, Math.max(useful, n >> 27)).toInt
    }

  /** The strategy asked for, or the cheapest. Throws where it cannot work, before the long work. */
  private def choose(laidOut: LaidOut, params: AlsParams, sc: SparkContext): String = {
    val shape = Shape(
      laidOut.users.keys.length.toLong,
      laidOut.items.keys.length.toLong,
      laidOut.users.entries,
      params.plan(0).width,
      params.sweeps
    )
    val costs = StrategyCost.all(shape, Cluster.facts(sc))
    val chosen = costs.find(_.strategy == params.strategy).getOrElse(StrategyCost.choose(costs))
    InvalidInput.unless(
      !chosen.impossible,
      s"strategy '${chosen.strategy}' ${chosen.why.get}; take a smaller rank"
    )
    chosen.strategy
  }
}

/** Where an iteration stands; there are no user factors before the first half-step. */
private final case class State[F](users: Option[F], items: F)

/** The part of a fit that comes after the layout and the choice of a strategy. */
private final class Fit(
    sc: SparkContext,
    ratings: Ratings,
    laidOut: LaidOut,
    params: AlsParams,
    plan: Plan,
    strategy: String,
    monitor: Monitor
) {
  private val sampling =
    if (params.sampled) Some(new Sampling(params, plan, laidOut.users.weighing)) else None

  private def prior(side: Side, last: Option[SideFactors]): Prior =
    sampling.map(_.prior(side, last, laidOut(side).keys.length.toLong)).orNull

  def run[F <: SideFactors](movement: Movement[F]): AlsModel =
    try {
      val start = State[F](None, movement.initial(Side.Item))
      val ended = Loop.run(start, params.sweeps, if (params.sampled) None else params.tol, monitor)(
        Seq(Side.User.name -> solveUsers(movement) _, Side.Item.name -> solveItems(movement) _)
      ) { (iteration, s) =>
        val (users, items) = movement.settle(iteration, s.users.get, s.items)
        State(Some(users), items)
      }
      monitor.enter("gathering the model")
      gather(movement, ended)
    } finally movement.close()

  private def solveUsers[F <: SideFactors](
      movement: Movement[F]
  )(s: State[F]): (State[F], Double) = {
    val users = movement.halfStep(Side.User, s.items, s.users, prior(Side.User, s.users))
    s.users.foreach(movement.release)
    (State(Some(users), s.items), objective(users, s.items))
  }

  private def solveItems[F <: SideFactors](
      movement: Movement[F]
  )(s: State[F]): (State[F], Double) = {
    val items =
      movement.halfStep(Side.Item, s.users.get, Some(s.items), prior(Side.Item, Some(s.items)))
    movement.release(s.items)
    sampling.foreach(
      _.swept(items.sums.loss)((movement.collect(s.users.get), movement.collect(items)))
    )
    (State(s.users, items), objective(items, s.users.get))
  }

  /** The loss as the half-step that has just run found it, and both penalties; of a draw, its
    * squared errors.
    */
  private def objective(solved: SideFactors, fixed: SideFactors): Double =
    if (params.sampled) solved.sums.loss
    else solved.sums.loss + solved.sums.penalty + fixed.sums.penalty

  private def gather[F <: SideFactors](movement: Movement[F], ended: Ended[State[F]]): AlsModel = {
    val (users, userRow) = table(ratings.users, Side.User, movement, ended.state.users.get)
    val (items, itemRow) = table(ratings.items, Side.Item, movement, ended.state.items)
    val seen = Seen.of(sc, movement.blocks(Side.User), userRow, laidOut.items.keys, itemRow)
    val facts = FitFacts(
      strategy,
      ended.reason,
      ended.iterations,
      laidOut.users.entries,
      ratings.facts.mean,
      laidOut.buckets.blocks,
      monitor.history,
      Map.empty
    )
    new AlsModel(params, users, items, seen, facts)
  }

  private def table[F <: SideFactors](
      space: IdSpace,
      side: Side,
      movement: Movement[F],
      factors: F
  ) = {
    val padded = sampling.map(_.together(side)).getOrElse(movement.collect(factors))
    movement.release(factors)
    FactorTable.of(space, laidOut(side).keys, padded, params.width)
  }
}
