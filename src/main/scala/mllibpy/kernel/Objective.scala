package mllibpy.kernel

/** What ALS minimises over user factors x and item factors y.
  *
  * Explicit (Zhou, Wilkinson, Schreiber, Pan: Large-scale parallel collaborative filtering for the
  * Netflix prize, 2008), over the observed ratings r:
  * {{{sum (r - x.y)^2 + reg * (sum n_u |x_u|^2 + sum n_i |y_i|^2)}}}
  *
  * Implicit (Hu, Koren, Volinsky: Collaborative filtering for implicit feedback datasets, 2008),
  * over all pairs, with c = 1 + alpha |r| and p = 1 where r > 0, else 0 (r = 0 where nothing is
  * observed): {{{sum c (p - x.y)^2 + reg * (sum n_u |x_u|^2 + sum n_i |y_i|^2)}}}
  *
  * n counts a row's ratings; implicit counts only those above 0, as MLlib does.
  */
final case class Objective(
    implicitFeedback: Boolean,
    alpha: Float,
    reg: Float,
    nonnegative: Boolean
)
