package mllibpy.kernel

/** A row's equations a x = b as its ratings make them, before anything is pinned and without the
  * ridge.
  */
private[kernel] abstract class Equations {

  /** What the row adds to the objective where x = 0. */
  def constant: Double

  /** Writes them, as often as it is asked.
    *
    * @param base
    *   IN what is added to a, both triangles, or null
    * @param a
    *   OUT upper triangle, rows `stride` apart
    * @param b
    *   OUT `stride` long
    */
  def form(base: Array[Float], a: Array[Float], b: Array[Float]): Unit
}

/** Equations formed from a row's ratings.
  *
  * Ratings are taken a panel at a time, in the order of the row, so that the sums of a row do not
  * depend on where it is solved.
  */
private[kernel] final class RatedEquations(rank: Int, arithmetic: Arithmetic) extends Equations {
  private val stride = Stride.of(rank)
  private val panel = RowSolver.panel(stride)
  private val tile = new Array[Float](panel * stride)
  private var ratings: RowRatings = _
  private var fixed: Array[Float] = _

  /** These, of other ratings. */
  def of(ratings: RowRatings, fixed: Array[Float]): RatedEquations = {
    this.ratings = ratings
    this.fixed = fixed
    this
  }

  def constant: Double = ratings.constant

  def form(base: Array[Float], a: Array[Float], b: Array[Float]): Unit = {
    java.util.Arrays.fill(b, 0f)
    if (base != null) System.arraycopy(base, 0, a, 0, a.length)
    var at = 0
    var add = base != null
    while (at < ratings.n) {
      val n = Math.min(panel, ratings.n - at)
      arithmetic.gather(
        fixed,
        stride,
        0,
        stride,
        ratings.columns,
        at,
        n,
        ratings.roots,
        ratings.targets,
        tile,
        b
      )
      arithmetic.symmetricUpdate(a, stride, tile, 0, n, add)
      add = true
      at += n
    }
    if (!add) java.util.Arrays.fill(a, 0f)
  }
}
