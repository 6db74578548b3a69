package mllibpy.kernel

/** What a row costs to solve, in nanoseconds of one core: pure arithmetic with the rates that
  * bench/kernels.py measured, for ranks from 32 up.
  */
private[kernel] object RowCost {
  // Operations in a nanosecond: the gathered symmetric update, and products with rows in a tile.
  private final val Update = 95.0
  private final val Product = 20.0

  /** By the normal equations: n k (k + 1) operations to form them; Cholesky's factor and the
    * triangular solves go with k where vectors are short and with k^3 where they are long.
    */
  def exact(n: Int, rank: Int): Double = {
    val k = rank.toDouble
    n * k * (k + 1) / Update + 54 * k + 0.0054 * k * k * k
  }

  /** By n equations in the place of k: the update has n columns and k rows. */
  def dual(n: Int, rank: Int): Double = exact(rank, Math.max(1, n))

  /** By steps of conjugate gradients: 4 n k operations each for the row's ratings, and 2 k^2 where
    * all rows' Gramian takes part; one more product finds where they start.
    */
  def steps(n: Int, rank: Int, steps: Int, gramian: Boolean): Double = {
    val k = rank.toDouble
    (steps + 1) * (4 * n * k + (if (gramian) 2 * k * k else 0)) / Product
  }
}
