package mllibpy.algorithm.decomposition

import mllibpy.engine.InvalidInput

/** What is known of a matrix and of where it is before it is decomposed.
  *
  * @param entries
  *   numbers that are kept of a row, on average
  * @param cores
  *   that sum at once
  * @param memory
  *   of the driver
  * @param share
  *   of an executor's memory, for each of its cores; of the driver's where it sums
  */
final case class SvdShape(
    rows: Long,
    features: Int,
    entries: Double,
    sparse: Boolean,
    single: Boolean,
    k: Int,
    keep: Int,
    cores: Int,
    memory: Long,
    share: Long
)

/** What a method costs: seconds on made-up but proportionate cores, passes, bytes on the driver. */
final case class SvdCost(
    method: String,
    seconds: Double,
    passes: Int,
    bytes: Long,
    fits: Boolean
)

object SvdCost {
  // Of a core: float64 products by registers, products of a few columns, entries of sparse rows
  // times a vector of 8 numbers, Householder's reflections, and LAPACK in Java.
  private final val Tiles = 3e10
  private final val Thin = 1.5e10
  private final val Gathers = 4e7
  private final val Reflections = 4e9
  private final val Small = 2e9
  // Steps that even few vectors take.
  private final val FewSteps = 10

  def all(s: SvdShape): Seq[SvdCost] = Seq(gramian(s), randomized(s), tsqr(s))

  /** The least of those that fit. */
  def choose(costs: Seq[SvdCost]): SvdCost = {
    val fitting = costs.filter(_.fits)
    (if (fitting.isEmpty) costs.filter(_.method == "randomized") else fitting).minBy(_.seconds)
  }

  /** Products with so many columns, there and back. */
  private def pass(s: SvdShape, columns: Int): Double = {
    val cores = s.cores.toDouble
    if (s.sparse) s.rows * s.entries * 2 * Math.ceil(columns / 8.0) / Gathers / cores
    else s.rows * s.entries * 4 * columns / (Thin * (if (s.single) 2 else 1)) / cores
  }

  private def gramian(s: SvdShape): SvdCost = {
    val n = s.features.toDouble
    val sums =
      if (s.sparse) s.rows * s.entries * s.entries / 2 / 2e8 else s.rows * n * n / rate(s)
    val bytes = 8 * n * n
    val seconds = sums / s.cores + 3 * n * n * n / Small / 2 + pass(s, s.k)
    fitting("gramian", seconds, 2, bytes, copies(s.cores), s, n <= 30000)
  }

  // Partial sums of all cores, their sum, and what the triples are made from.
  private def copies(cores: Int) = cores + 4

  /** Refuses the Gramian where its sums fit no array, or no memory at all. */
  def refuseGramian(features: Int, cores: Int, memory: Long, share: Long): Unit = {
    val bytes = 8.0 * features * features
    InvalidInput.unless(
      features <= MostFeatures && bytes * copies(cores) <= memory && bytes <= share,
      f"method='gramian' sums a matrix of $features x $features numbers, ${bytes / 1e9}%.3g GB for" +
        s" each of $cores cores, which does not fit; take method='randomized' or 'auto'"
    )
  }

  // More columns squared, padded to whole panels, are no array.
  private final val MostFeatures = 46336

  private def rate(s: SvdShape): Double = Tiles * (if (s.single) 2 else 1)

  private def randomized(s: SvdShape): SvdCost = {
    val width = Krylov.block(s.k)
    val steps = FewSteps + s.k / 2
    val basis = 8.0 * s.features * (2 * s.keep + 4 * width)
    val small = 4.0 * s.features * (2 * s.keep) * width * steps / Thin
    val seconds = steps * pass(s, width) + pass(s, s.k) + small
    fitting("randomized", seconds, steps + 4, basis, 3, s, possible = true)
  }

  private def tsqr(s: SvdShape): SvdCost = {
    val n = s.features.toDouble
    val seconds =
      s.rows * (s.entries + n) * 2 * n / Reflections / s.cores + 30 * n * n * n / Small +
        2 * pass(s, s.k)
    fitting("tsqr", seconds, 5, 8 * n * n, copies(s.cores), s, n <= 2000)
  }

  /** @param sum
    *   bytes of what a core adds up, and of how many as large the driver needs
    */
  private def fitting(
      method: String,
      seconds: Double,
      passes: Int,
      sum: Double,
      copies: Int,
      s: SvdShape,
      possible: Boolean
  ): SvdCost =
    SvdCost(
      method,
      seconds,
      passes,
      Math.min(sum * copies, Long.MaxValue.toDouble).toLong,
      possible && sum * copies <= s.memory / 2.0 && sum <= s.share / 2.0
    )
}
