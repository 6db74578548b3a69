package mllibpy.algorithm.decomposition

import mllibpy.kernel.decomposition.Columns

/** Orthonormal columns. */
private[decomposition] object Basis {

  /** Columns of the same span, orthonormal, and what takes them back: m = q back. Columns that the
    * others span are left out, so that there may be fewer, or none.
    *
    * By the eigenvectors of the columns' products, twice (SVQB: Stathopoulos, Wu 2002).
    *
    * @param least
    *   the length below which a column counts as 0
    */
  def orthonormal(m: Columns, least: Double = 0): (Columns, Columns) = {
    val (q1, back1) = once(m, least)
    if (q1.columns == 0) (q1, back1)
    else {
      val (q2, back2) = once(q1, 0)
      (q2, back2 * back1)
    }
  }

  // The share of the largest eigenvalue below which one is rounding.
  private final val Negligible = 1e-13

  // Shorter columns have lost their digits, and their inverse is infinite.
  private final val Least = java.lang.Double.MIN_NORMAL

  private def once(m: Columns, least: Double): (Columns, Columns) = {
    val lengths = m.lengths
    val by = lengths.map(x => if (x > least && x >= Least) 1 / x else 0.0)
    val scaled = m.scaled(by(_))
    val e = SmallDense.eigen(scaled.cross(scaled), m.columns)
    val kept = e.values.count(_ > Negligible * Math.max(e.values.head, 0))
    if (kept == 0) (Columns(m.rows, 0), Columns(0, m.columns))
    else {
      val roots = e.values.take(kept).map(Math.sqrt)
      val v = e.vectors.slice(0, kept)
      val q = scaled * v.scaled(1 / roots(_))
      val back = Columns.tabulate(kept, m.columns)((i, j) => roots(i) * v(j, i) * lengths(j))
      (q, back)
    }
  }

  /** What m has outside the span of some orthonormal columns, orthonormal itself, and how it is
    * made of both: m = from share + q back. Twice, for what is left may be small beside m.
    */
  def outside(m: Columns, from: Seq[Columns], least: Double): Outside = {
    val (rest, share) = apart(m, from)
    val (q, back) = orthonormal(rest, least)
    if (q.columns == 0) Outside(q, back, share)
    else {
      val (again, more) = apart(q, from)
      val (q2, back2) = once(again, Inside)
      Outside(q2, back2 * back, share += more * back)
    }
  }

  // Columns of length 1 that are shorter without the span were rounding within it.
  private final val Inside = 1e-3

  final case class Outside(q: Columns, back: Columns, share: Columns)

  private def apart(m: Columns, from: Seq[Columns]): (Columns, Columns) = {
    val rest = new Columns(m.rows, m.columns, m.values.clone())
    val share = from.map { q =>
      val part = q.cross(rest)
      rest.addProduct(q, part.scaled(_ => -1))
      part
    }
    (rest, if (share.isEmpty) Columns(0, m.columns) else stacked(share))
  }

  /** Some matrices below each other. */
  def stacked(of: Seq[Columns]): Columns = {
    val out = Columns(of.map(_.rows).sum, of.head.columns)
    var at = 0
    for (m <- of) {
      System.arraycopy(m.values, 0, out.values, at * out.width, m.rows * m.width)
      at += m.rows
    }
    out
  }

  /** Random columns, the same for the same seed. */
  def random(rows: Int, columns: Int, seed: Long): Columns = {
    val draw = new java.util.SplittableRandom(seed)
    val out = Columns(rows, columns)
    // Sums of uniform numbers: near enough to normal ones, and fast.
    for (r <- 0 until rows; c <- 0 until columns)
      out(r, c) = draw.nextDouble() + draw.nextDouble() + draw.nextDouble() - 1.5
    out
  }
}
