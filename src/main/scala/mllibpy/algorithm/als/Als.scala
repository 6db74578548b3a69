package mllibpy.algorithm.als

import mllibpy.engine.{Buckets, Ended, IdSpace, InvalidInput, Loop, Monitor, Shared}
import mllibpy.kernel.Prior
import org.apache.spark.SparkContext

/** Alternating least squares. A fit is: check, lay the ratings out both ways (or one, for the
  * hybrid), choose how to move, alternate, gather the model.
  *
  * Jobs: 1 (check; 2 where the source has lines or rows to complain about) + 2 (layout, a shuffle
  * each) + 1 (initial item factors) + 2 per iteration (no shuffle each with models on the driver,
  * one shuffle each in blocks, one to both as hybrid) + 1 (seen items), and 1 + 1 more where
  * ratings are broadcast (fetching them) or factors rest in blocks (fetching them; 1 as hybrid).
  * Users who start from other factors and validation ratings cost jobs of their own.
  */
object Als {
  def fit(ratings: Ratings, params: AlsParams): AlsModel = fit(ratings, params, new Monitor)

  def fit(ratings: Ratings, params: AlsParams, monitor: Monitor): AlsModel =
    fit(ratings, params, monitor, Extras())

  /** With a model to start from, ratings to validate by, or somebody who watches. */
  def fit(ratings: Ratings, params: AlsParams, monitor: Monitor, extras: Extras): AlsModel = {
    extras.check(ratings, params)
    run(ratings, params, monitor, extras)(_ => ratings.facts.mean)
  }

  /** A fit that goes on from a model, with the mean of the ratings after pairs were folded. */
  private[als] def iterate(
      ratings: Ratings,
      params: AlsParams,
      from: AlsModel,
      monitor: Monitor
  ): AlsModel = run(ratings, params, monitor, Extras(init = Some(from)))(_.mean)

  private def run(ratings: Ratings, params: AlsParams, monitor: Monitor, extras: Extras)(
      meanOf: LaidOut => Double
  ): AlsModel = {
    params.refuseIdle()
    val sc = ratings.chunks.sparkContext
    val began = System.nanoTime()
    monitor.enter("checking the ratings")
    ratings.facts
    monitor.enter("laying out the ratings")
    val laidOut = layOut(ratings, params, sc)
    val start: Map[Side, Shared[FactorTable]] =
      extras.init
        .map(m => Side.map(s => Shared(sc, if (s == Side.User) m.users else m.items)))
        .getOrElse(Map.empty)
    try {
      val laid = System.nanoTime()
      val mean = meanOf(laidOut)
      val plan = params.plan(mean)
      val step = new BlockStep(
        plan,
        Side.map(laidOut(_).buckets),
        laidOut(Side.User).keys.length.toLong,
        laidOut(Side.Item).keys.length.toLong,
        start
      )
      val strategy = choose(laidOut, params, ratings.weighted, sc)
      monitor.enter(s"fitting ($strategy)")
      val fit = new Fit(sc, ratings, mean, laidOut, params, plan, strategy, monitor, extras)
      val usersToo = start.nonEmpty && step.wantsCurrent
      val model = laidOut match {
        case one: OneWay    => fit.run(new Hybrid(sc, one, step), usersToo)
        case both: BothWays =>
          strategy match {
            case "broadcast"     => fit.run(new BroadcastEverything(sc, both, step), usersToo)
            case "data-parallel" => fit.run(new DataParallel(sc, both, step), usersToo)
            case _               => fit.run(new Blocked(both, step), usersToo)
          }
      }
      val now = System.nanoTime()
      model.timed(Map("layout" -> (laid - began) / 1e9, "total" -> (now - began) / 1e9))
    } finally {
      start.values.foreach(_.destroy())
      laidOut.release()
    }
  }

  /** One way for the hybrid alone, which `auto` has to choose before: by about how many rows there
    * are.
    */
  private def layOut(ratings: Ratings, params: AlsParams, sc: SparkContext): LaidOut = {
    val number = blocks(ratings, params, sc)
    def about = {
      val f = ratings.facts
      val s = params.shape(f.about(Side.User), f.about(Side.Item), f.count, ratings.weighted)
      StrategyCost.choose(StrategyCost.all(s, Cluster.facts(sc))).strategy
    }
    val strategy = if (params.strategy == "auto") about else params.strategy
    val (policy, plan) = (params.duplicates, params.plan(0))
    if (strategy == "hybrid")
      OneWayLayout(ratings, number, policy, ratings.facts.larger, plan.width, plan.objective)
    else LaidOut(ratings, number, policy, plan.width)
  }

  /** One block per core, but not for less than 10,000 ratings each; several where they would be
    * large: while one is built, a rating of it takes some 60 bytes.
    */
  private def blocks(ratings: Ratings, params: AlsParams, sc: SparkContext): Int =
    params.numBlocks.getOrElse {
      val n = ratings.facts.count
      val cores = sc.defaultParallelism.toLong
      val each = 1 + n / (cores * MostInBlock)
      val useful = Math.min(cores * each, Math.max(1L, n / 10000))
      Math.min(Buckets.Most.toLong, useful).toInt
    }

  private final val MostInBlock = 4L << 20

  /** The strategy asked for, or the cheapest of those that go with the layout. Throws where it
    * cannot work, before the long work.
    */
  private def choose(
      laidOut: LaidOut,
      params: AlsParams,
      weighted: Boolean,
      sc: SparkContext
  ): String = {
    val (users, items) = (laidOut(Side.User).keys.length, laidOut(Side.Item).keys.length)
    val exactly = params.shape(users.toLong, items.toLong, laidOut.entries, weighted)
    val costs = StrategyCost
      .all(exactly, Cluster.facts(sc))
      .filter(c => (c.strategy == "hybrid") == laidOut.isInstanceOf[OneWay])
    val chosen = costs.find(_.strategy == params.strategy).getOrElse(StrategyCost.choose(costs))
    InvalidInput.unless(
      !params.sampled || Math.max(users, items).toLong * params.width <= Int.MaxValue - 16,
      s"${params.samples} samples of ${Math.max(users, items)} rows of rank ${params.rank} are more than one array holds; take fewer n_samples or a smaller rank"
    )
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
    mean: Double,
    laidOut: LaidOut,
    params: AlsParams,
    plan: Plan,
    strategy: String,
    monitor: Monitor,
    extras: Extras
) {
  private val sampling =
    if (params.sampled) Some(new Sampling(params, plan, laidOut.weighing)) else None
  private var best: Option[Best] = None

  private def prior(side: Side, last: Option[SideFactors]): Prior =
    sampling.map(_.prior(side, last, laidOut(side).keys.length.toLong)).orNull

  /** @param usersToo
    *   whether users have factors to start from
    */
  def run[F <: SideFactors](movement: Movement[F], usersToo: Boolean): AlsModel = {
    var validation: Option[Validation] = None
    try {
      validation = extras.validation.map(held(_, movement))
      val users = if (usersToo) Some(movement.initial(Side.User)) else None
      val start = State[F](users, movement.initial(Side.Item))
      val tol = if (params.sampled) None else params.tol
      val judge = (i: Int, s: State[F]) => judged(i, s, movement, validation)
      val ended = Loop.run(start, params.sweeps, tol, monitor, judge)(
        Seq(Side.User.name -> solveUsers(movement) _, Side.Item.name -> solveItems(movement) _)
      ) { (iteration, s) =>
        val (users, items) = movement.settle(iteration, s.users.get, s.items)
        State(Some(users), items)
      }
      monitor.enter("gathering the model")
      gather(movement, ended)
    } finally {
      validation.foreach(_.close())
      movement.close()
    }
  }

  private def held[F <: SideFactors](by: Ratings, movement: Movement[F]): Validation = {
    val (users, items) = (laidOut(Side.User).keys, laidOut(Side.Item).keys)
    def seen = Seen.of(
      sc,
      movement.blocks(Side.User),
      Array.range(0, users.length),
      items,
      Array.range(0, items.length)
    )
    Validation.of(sc, by, params, laidOut, params.offset(mean), seen)
  }

  /** Why to stop after an iteration, if there is a reason beside the objective. */
  private def judged[F <: SideFactors](
      iteration: Int,
      s: State[F],
      movement: Movement[F],
      validation: Option[Validation]
  ): Option[String] = {
    val value = for (v <- validation; f <- toJudge(s, movement)) yield {
      val value = v.measure(f.users, f.items, f.width)
      monitor.validated(value)
      if (best.forall(b => v.isBetter(value, b.value)))
        best = Some(Best(iteration, value, if (params.patience.isEmpty) None else Some(f)))
      value
    }
    val asked = extras.watch.exists { watch =>
      val steps = monitor.history.takeRight(2)
      watch(IterationReport(iteration, steps.last.objective, steps.map(_.seconds).sum, value))
    }
    monitor.check()
    if (asked) Some("a callback asked to stop") else outOfPatience(iteration)
  }

  /** Both sides' factors on the driver; of samples, their mean so far, after each that is kept. */
  private def toJudge[F <: SideFactors](s: State[F], movement: Movement[F]): Option[Fetched] =
    sampling match {
      case None =>
        Some(Fetched(movement.collect(s.users.get), movement.collect(s.items), plan.width))
      case Some(samples) if samples.keptLast =>
        val (users, items) = (samples.together(Side.User), samples.together(Side.Item))
        Some(Fetched(users, items, samples.kept * plan.width))
      case _ => None
    }

  private def outOfPatience(iteration: Int): Option[String] =
    for (patience <- params.patience; b <- best if iteration - b.iteration >= patience)
      yield s"patience=$patience iterations were no better than iteration ${b.iteration}"

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
    val fetched = best.flatMap(_.factors)
    val users =
      table(ratings.users, Side.User, movement, ended.state.users.get, fetched.map(_.users))
    val items = table(ratings.items, Side.Item, movement, ended.state.items, fetched.map(_.items))
    val blocks = movement.blocks(Side.User)
    val facts = FitFacts(
      strategy,
      ended.reason,
      ended.iterations,
      laidOut.entries,
      mean,
      laidOut.blocks,
      monitor.history,
      Map.empty,
      best.map(_.iteration),
      ended.state.users.get.sums.singular + ended.state.items.sums.singular
    )
    val seen = Seen.of(sc, blocks, users._2, laidOut(Side.Item).keys, items._2)
    // Values without their weights would say too little to those who go on from them.
    new AlsModel(done, users._1, items._1, if (ratings.weighted) seen.bare else seen, facts)
  }

  /** The parameters, with as many samples as there are: a callback may have stopped the sampling.
    */
  private lazy val done: AlsParams = sampling.fold(params) { s =>
    InvalidInput.unless(
      s.kept > 0,
      s"a callback asked to stop before the first sample, which is kept after iteration ${params.burnIn + params.thin}"
    )
    if (s.kept == params.samples) params else params.set("n_samples", s.kept)
  }

  private def table[F <: SideFactors](
      space: IdSpace,
      side: Side,
      movement: Movement[F],
      factors: F,
      fetched: Option[Array[Float]]
  ) = {
    val width = done.width
    val padded =
      fetched.getOrElse(sampling.map(_.together(side)).getOrElse(movement.collect(factors)))
    movement.release(factors)
    FactorTable.of(space, laidOut(side).keys, padded, width)
  }
}

/** Padded factors of both sides on the driver. */
private final case class Fetched(users: Array[Float], items: Array[Float], width: Int)

/** The iteration that the validation ratings say was best; its factors where they may be wanted. */
private final case class Best(iteration: Int, value: Double, factors: Option[Fetched])
