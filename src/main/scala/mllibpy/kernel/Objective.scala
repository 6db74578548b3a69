package mllibpy.kernel

/** What ALS minimises over user factors x and item factors y.
  *
  * Explicit (Zhou, Wilkinson, Schreiber, Pan: Large-scale parallel collaborative filtering for the
  * Netflix prize, 2008), over the observed ratings r:
  * {{{sum (r - mean - x.y)^2 + sum ridge_u |x_u|^2 + sum ridge_i |y_i|^2}}}
  *
  * Implicit (Hu, Koren, Volinsky: Collaborative filtering for implicit feedback datasets, 2008),
  * over all pairs, with c = 1 + alpha |r| and p = 1 where r > 0, else 0 (r = 0 where nothing is
  * observed): {{{sum c (p - x.y)^2 + sum ridge_u |x_u|^2 + sum ridge_i |y_i|^2}}}
  *
  * With `unobservedWeight` w0 (Rendle, Krichene, Zhang, Koren: Revisiting the performance of iALS
  * on item recommendation benchmarks, 2022), the observed pairs once and all pairs lightly:
  * {{{sum over observed (p - x.y)^2 + w0 sum over all (x.y)^2 + ...}}}
  *
  * Where a rating has a weight v, its term of an explicit sum, or of a sum over the observed, is
  * multiplied by it, and c is 1 + v alpha |r|.
  *
  * A row's ridge is `reg * (n + regUnobserved * m)^regExponent`, where n counts its ratings
  * (implicit: only those above 0, as MLlib does) and m is the size of the other side.
  *
  * With `biases` the last two factors are a user's bias beside a 1 of the item, and a 1 of the user
  * beside an item's bias; the ones are neither learnt nor penalised.
  *
  * @param mean
  *   what explicit ratings are centred by, 0 where they are not
  */
final case class Objective(
    implicitFeedback: Boolean,
    alpha: Float,
    reg: Float,
    nonnegative: Boolean,
    unobservedWeight: Option[Float] = None,
    regExponent: Double = 1,
    regUnobserved: Double = 0,
    biases: Boolean = false,
    mean: Float = 0f
) {
  def counts(rating: Float): Boolean = !implicitFeedback || rating > 0

  /** How many of each row's ratings count for its ridge. */
  def counts(rows: SparseRows): Array[Int] = {
    val values = rows.values
    Array.tabulate(rows.rows) { r =>
      var count = 0
      var e = rows.start(r)
      while (e < rows.start(r + 1)) { if (counts(values(e))) count += 1; e += 1 }
      count
    }
  }

  /** A row's ridge, for its count of ratings and the other side's size. */
  def ridge(count: Int, others: Long): Float =
    if (regExponent == 1 && regUnobserved == 0) reg * count
    else (reg * Math.pow(count + regUnobserved * others, regExponent)).toFloat

  /** The share of the Gramian of all fixed rows in a row's equations. */
  def background: Float = unobservedWeight.getOrElse(1f)

  /** The factor that is 1 on a side (0 users, 1 items), or -1. */
  def pinned(side: Int, rank: Int): Int = if (biases) rank - 1 - side else -1
}
