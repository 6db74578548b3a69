package mllibpy.algorithm.decomposition

/** What is known of a matrix and of where it is before it is decomposed.
  *
  * @param entries
  *   numbers that are kept of a row, on average
  * @param cores
  *   that sum at once
  * @param memory
  *   of the driver
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
    memory: Long
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
    // Partial sums of all cores, their sum, and what the eigenvalues are made from.
    fitting("gramian", seconds, 2, bytes * (s.cores + 4), s, n <= 30000)
  }

  private def rate(s: SvdShape): Double = Tiles * (if (s.single) 2 else 1)

  private def randomized(s: SvdShape): SvdCost = {
    val width = Krylov.block(s.k)
    val steps = FewSteps + s.k / 2
    val basis = 8.0 * s.features * (2 * s.keep + 4 * width)
    val small = 4.0 * s.features * (2 * s.keep) * width * steps / Thin
    val seconds = steps * pass(s, width) + pass(s, s.k) + small
    fitting("randomized", seconds, steps + 4, 3 * basis, s, possible = true)
  }

  private def tsqr(s: SvdShape): SvdCost = {
    val n = s.features.toDouble
    val seconds =
      s.rows * (s.entries + n) * 2 * n / Reflections / s.cores + 30 * n * n * n / Small +
        2 * pass(s, s.k)
    fitting("tsqr", seconds, 5, 8 * n * n * (s.cores + 4), s, n <= 2000)
  }

  private def fitting(
      method: String,
      seconds: Double,
      passes: Int,
      bytes: Double,
      s: SvdShape,
      possible: Boolean
  ): SvdCost =
    SvdCost(
      method,
      seconds,
      passes,
      Math.min(bytes, Long.MaxValue.toDouble).toLong,
      possible && bytes <= s.memory / 2.0
    )
}
