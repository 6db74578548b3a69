package mllibpy.kernel

/** The arithmetic that a row of ALS is made of, on float32 tiles. Matrices are square, `stride`
  * wide, and only their upper triangle is read or written, unless said otherwise.
  *
  * There are two implementations with one contract: [[VectorArithmetic]] on the JDK's Vector API
  * and [[PlainArithmetic]] in plain loops, which runs where the module `jdk.incubator.vector` is
  * missing and which tests hold the first one against.
  */
abstract class Arithmetic extends Serializable {
  def name: String

  /** Copies `width` columns, from `offset` on, of rows of factors into a tile and adds them up on
    * the way.
    *
    * For e in from until from + n, with y that part of the row `columns(e)` of `fixed`:
    * `tile(e - from) = scale(e) * y` and `rhs += target(e) * y`.
    *
    * @param fixed
    *   IN factors, rows `stride` apart
    * @param scale
    *   IN weights of the copies, or null for 1
    * @param target
    *   IN weights of the sum
    * @param tile
    *   OUT n rows, `width` apart; where it is empty, nothing is copied
    * @param rhs
    *   IN/OUT the sum, `width` long
    */
  def gather(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      from: Int,
      n: Int,
      scale: Array[Float],
      target: Array[Float],
      tile: Array[Float],
      rhs: Array[Float]
  ): Unit

  /** `a = tile^T tile`, or `a += tile^T tile` where `add`, for n rows of `tile` from `offset`. */
  def symmetricUpdate(
      a: Array[Float],
      stride: Int,
      tile: Array[Float],
      offset: Int,
      n: Int,
      add: Boolean
  ): Unit

  /** `out += sum of weight(e) (y.v) y` over the first n rows `columns(e)` of `fixed`; weights are 1
    * where null.
    */
  def product(
      fixed: Array[Float],
      stride: Int,
      columns: Array[Int],
      n: Int,
      weight: Array[Float],
      v: Array[Float],
      out: Array[Float]
  ): Unit

  /** `out(e) = y.v`, or `out(e) += y.v` where `add`, for the first n rows `columns(e)` of `fixed`,
    * of which y is the part of `width` from `offset` and v that from `vFrom`.
    */
  def dots(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      n: Int,
      v: Array[Float],
      vFrom: Int,
      out: Array[Float],
      add: Boolean
  ): Unit

  /** `out += sum of v(vFrom + i) g(i)` over the rows `from until until` of g, `stride` apart. */
  def combine(
      g: Array[Float],
      stride: Int,
      from: Int,
      until: Int,
      v: Array[Float],
      vFrom: Int,
      out: Array[Float]
  ): Unit

  /** Scores of [[Arithmetic.PanelUsers]] users, rows of x from `xFrom` (`rank` numbers, `stride`
    * apart), and the W = [[Arithmetic.PanelItems]] items of a panel: `out(u * W + i)`, where
    * `panel(p + j * W + i)` is factor j of item i.
    */
  def scores(
      x: Array[Float],
      xFrom: Int,
      stride: Int,
      rank: Int,
      panel: Array[Float],
      p: Int,
      out: Array[Float]
  ): Unit

  /** Whether any of the [[Arithmetic.PanelItems]] numbers from `at` is above `bar`. */
  def anyAbove(numbers: Array[Float], at: Int, bar: Float): Boolean

  /** Replaces a positive definite `a` by R with `R^T R = a`.
    *
    * @return
    *   false where a pivot is not positive (beyond rounding): `a` is then spoilt
    */
  def cholesky(a: Array[Float], stride: Int): Boolean

  /** Solves `R^T R x = b` in place of `b`, given R from [[cholesky]]. */
  def solve(r: Array[Float], stride: Int, b: Array[Float]): Unit

  /** Solves `R x = b` in place of `b`. */
  def backward(r: Array[Float], stride: Int, b: Array[Float]): Unit

  /** The dot product of two runs of `n` floats. */
  def dot(x: Array[Float], xFrom: Int, y: Array[Float], yFrom: Int, n: Int): Float
}

object Arithmetic {

  /** Items to a panel of [[Arithmetic.scores]], and users to a call. */
  final val PanelItems: Int = 2 * Stride.Lanes
  final val PanelUsers = 8

  /** The fastest that runs here. */
  lazy val best: Arithmetic =
    try {
      if (VectorArithmetic.works) VectorArithmetic else PlainArithmetic
    } catch { case _: LinkageError => PlainArithmetic }

  /** A pivot below this share of the matrix's diagonal counts as zero. */
  private[kernel] final val Singular = 1e-7f
}
