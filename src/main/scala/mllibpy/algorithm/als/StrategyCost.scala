package mllibpy.algorithm.als

import mllibpy.kernel.{RowSums, Stride}

/** What a strategy costs on a cluster, by pure arithmetic: the cluster's facts are arguments, so a
  * laptop can plan for a thousand nodes.
  *
  * @param executors
  *   worker processes (1 in local mode, where nothing crosses a network)
  * @param memory
  *   bytes that each executor can spend on our data
  * @param driverMemory
  *   the same for the driver
  * @param bandwidth
  *   bytes per second through one node's link
  * @param flops
  *   float32 operations per second of one core in the kernels
  */
final case class ClusterFacts(
    executors: Int,
    cores: Int,
    memory: Long,
    driverMemory: Long,
    local: Boolean,
    bandwidth: Double = 1.25e9,
    flops: Double = 3e10
)

/** The size of a problem.
  *
  * @param weighted
  *   whether ratings have weights
  * @param exact
  *   whether rows are solved from their normal equations
  */
final case class Shape(
    users: Long,
    items: Long,
    ratings: Long,
    rank: Int,
    iterations: Int,
    weighted: Boolean = false,
    exact: Boolean = true
)

/** Bytes moved, bytes held and seconds, for one strategy. `why` says what rules it out, if
  * anything.
  */
final case class StrategyCost(
    strategy: String,
    layoutBytes: Long,
    bytesPerIteration: Long,
    executorMemory: Long,
    driverMemory: Long,
    seconds: Double,
    why: Option[String],
    impossible: Boolean
) {
  def feasible: Boolean = why.isEmpty
}

object StrategyCost {
  // Bytes of one rating at rest (column and value; at most, since few distinct values and short
  // columns are packed), and on its way to a block (two keys and a value); and of its weight.
  private final val AtRest = 8L
  private final val Shuffled = 20L
  private final val Weight = 4L
  // Measured on two cores: a job without and with a shuffle, and copying between JVM threads.
  private final val Job = 0.014
  private final val JobWithShuffle = 0.036
  private final val CopyBandwidth = 1.5e9
  // How often the driver sends a piece of a broadcast, counted on the links of three executors: they
  // ask at random among those who have it.
  private final val Sent = 2
  // Seconds of one core, roughly, by fits on two busy ones: to sort a rating of a block by the other
  // side, and to write, read and add up a byte of partial equations.
  private final val Turn = 2e-8
  private final val AddUp = 6e-9
  // The same for a byte of factors: to gather, write and read one that goes from block to block, and
  // on a cluster to read and write one that passes through the driver, which is one thread's work.
  private final val Route = 1.2e-8
  private final val Pass = 1e-8

  def all(shape: Shape, cluster: ClusterFacts): Seq[StrategyCost] =
    Seq(
      broadcast(shape, cluster),
      dataParallel(shape, cluster),
      blocked(shape, cluster),
      hybrid(shape, cluster)
    )

  // What one array holds, of floats or of bytes: some less than 2^31.
  private final val Longest = Int.MaxValue - 16L

  /** How much faster the hybrid has to be: its factors depend, to rounding, on the number of
    * blocks, and so on the cluster.
    */
  final val Worth = 2

  /** The fastest that fits, though the hybrid only where it is by [[Worth]]; where none fits, the
    * one that needs the least memory, or of these the fastest.
    */
  def choose(costs: Seq[StrategyCost]): StrategyCost = {
    val fit = costs.filter(_.feasible)
    if (fit.nonEmpty) fit.minBy(c => if (c.strategy == "hybrid") Worth * c.seconds else c.seconds)
    else
      costs.minBy(c => (c.impossible, Math.max(c.executorMemory, c.driverMemory), c.seconds))
  }

  /** A side's factors are one array in the model, and one run of bytes where the driver ships them:
    * the longer of those that it does is `ships` bytes.
    */
  private def tooLong(s: Shape, c: ClusterFacts, ships: Long): Option[String] = {
    val rows = Math.max(s.users, s.items)
    if (rows > Longest / Stride.of(s.rank))
      Some(s"makes a model of $rows rows of rank ${s.rank}, where one array holds 2^31 numbers")
    else if (!c.local && ships > Longest)
      Some(s"ships ${show(ships)} of factors at once, where 2 GiB is the most")
    else None
  }

  private def largerBytes(s: Shape): Long = Math.max(s.users, s.items) * s.rank * 4L
  private def factorBytes(s: Shape): Long = (s.users + s.items) * s.rank * 4L
  private def weightBytes(s: Shape): Long = if (s.weighted) Weight else 0L
  private def ratingBytes(s: Shape): Long = 2 * s.ratings * (AtRest + weightBytes(s))
  private def sent(c: ClusterFacts): Int = if (c.local) 1 else Sent
  private def wire(c: ClusterFacts): Double = if (c.local) CopyBandwidth else c.bandwidth

  /** Both half-steps of all iterations: n k^2 for the updates, k^3 / 3 for each solve. */
  private def arithmetic(s: Shape, c: ClusterFacts): Double = {
    val k = s.rank.toDouble
    val perIteration = 2 * s.ratings * k * (k + 1) + (s.users + s.items) * k * k * k / 3
    s.iterations * perIteration / (c.flops * c.executors * c.cores)
  }

  /** Each rating crosses once for each side that there are blocks of; the links of all executors
    * work at once.
    */
  private def layout(s: Shape, c: ClusterFacts, sides: Int = 2): (Long, Double) = {
    val bytes = sides * s.ratings * (Shuffled + weightBytes(s))
    (bytes, bytes / (wire(c) * c.executors))
  }

  /** New factors come to the driver and go out to every executor: an executor receives all of them
    * once, and a torrent spreads them, though the driver's link carries each [[Sent]] times.
    */
  private def modelTraffic(s: Shape, c: ClusterFacts): (Long, Double) = {
    val bytes = factorBytes(s) * (1 + c.executors)
    (bytes, throughDriver(factorBytes(s), c) + 2 * Job)
  }

  private def throughDriver(bytes: Long, c: ClusterFacts): Double =
    bytes * ((1 + sent(c)) / wire(c) + (if (c.local) 0 else Pass))

  private def broadcast(s: Shape, c: ClusterFacts): StrategyCost = {
    val (laidBytes, laid) = layout(s, c)
    val (moved, step) = modelTraffic(s, c)
    val ship = 2 * ratingBytes(s) / wire(c)
    val need = ratingBytes(s) + 2 * factorBytes(s)
    val laidOut = laidBytes + ratingBytes(s) * (1 + c.executors)
    priced("broadcast", laidOut, moved, need, need, c, tooLong(s, c, largerBytes(s))) {
      laid + ship + s.iterations * step + arithmetic(s, c)
    }
  }

  private def dataParallel(s: Shape, c: ClusterFacts): StrategyCost = {
    val (laidBytes, laid) = layout(s, c)
    val (moved, step) = modelTraffic(s, c)
    val models = 2 * factorBytes(s)
    val need = ratingBytes(s) / c.executors + models
    priced("data-parallel", laidBytes, moved, need, models, c, tooLong(s, c, largerBytes(s))) {
      laid + s.iterations * step + arithmetic(s, c)
    }
  }

  private def blocked(s: Shape, c: ClusterFacts): StrategyCost = {
    val (laidBytes, laid) = layout(s, c)
    val moved = ((crossing(s, c, s.users) + crossing(s, c, s.items)) * s.rank * 4).toLong
    val held = ratingBytes(s) / c.executors + 2 * factorBytes(s) / c.executors + moved / c.executors
    val routed = moved * Route / (c.executors * c.cores)
    val step = moved / (wire(c) * c.executors) + routed + 2 * JobWithShuffle
    // At the end the driver holds the model.
    val end = tooLong(s, c, 0)
    priced("blocked", laidBytes, moved, held, factorBytes(s), c, end) {
      laid + s.iterations * step + arithmetic(s, c)
    }
  }

  /** The large side's factors stay where they are. The small side's go out and come back through
    * the driver, and before that the equations of its rows are brought together from all blocks.
    */
  private def hybrid(s: Shape, c: ClusterFacts): StrategyCost = {
    val (laidBytes, laid) = layout(s, c, sides = 1)
    val turned = s.ratings * Turn / (c.executors * c.cores)
    val small = Math.min(s.users, s.items)
    val (held, parts) = (small * s.rank * 4L, crossing(s, c, small) * RowSums.width(s.rank) * 4)
    val moved = held * (1 + c.executors) + parts.toLong
    val resting = ratingBytes(s) + 2 * (factorBytes(s) - held) + parts.toLong
    val added = parts * AddUp / (c.executors * c.cores)
    val crossed = throughDriver(held, c) + parts / (wire(c) * c.executors)
    val step = crossed + added + Job + JobWithShuffle
    val need = resting / c.executors + 2 * held
    val driver = factorBytes(s) + held
    priced("hybrid", laidBytes, moved, need, driver, c, unfit(s, c, held)) {
      laid + turned + s.iterations * step + arithmetic(s, c)
    }
  }

  private def unfit(s: Shape, c: ClusterFacts, ships: Long): Option[String] =
    if (!s.exact) Some("takes rows that are solved from their normal equations")
    else tooLong(s, c, ships)

  /** How many rows go to the blocks, or come from them, of `count`: each where it has ratings, in
    * no more blocks than there are, nor than it has ratings.
    */
  private def crossing(s: Shape, c: ClusterFacts, count: Long): Double = {
    val blocks = c.executors.toDouble * c.cores
    count * Math.min(blocks, Math.max(1.0, s.ratings.toDouble / count))
  }

  private def priced(
      name: String,
      layoutBytes: Long,
      moved: Long,
      need: Long,
      driver: Long,
      c: ClusterFacts,
      tooLong: Option[String]
  )(
      seconds: Double
  ): StrategyCost = {
    val together = if (c.local) need + driver else need
    val why =
      if (tooLong.nonEmpty) tooLong
      else if (together > c.memory)
        Some(s"needs ${show(together)} in an executor that has ${show(c.memory)}")
      else if (driver > c.driverMemory)
        Some(s"needs ${show(driver)} in the driver that has ${show(c.driverMemory)}")
      else None
    StrategyCost(name, layoutBytes, moved, need, driver, seconds, why, tooLong.nonEmpty)
  }

  def show(bytes: Long): String =
    if (bytes < (10L << 20)) f"${bytes / 1024.0}%.0f KiB"
    else if (bytes < (10L << 30)) f"${bytes / 1048576.0}%.0f MiB"
    else f"${bytes / 1073741824.0}%.1f GiB"
}
