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

  /** Copies rows of factors into a tile and adds them up on the way.
    *
    * For r in 0 until n, with y the row `columns(from + r)` of `fixed`: `tile(r) = scale(r) * y`
    * and `rhs += target(r) * y`.
    *
    * @param fixed
    *   IN factors, rows `stride` apart
    * @param scale
    *   IN weights of the copies, or null for 1
    * @param target
    *   IN weights of the sum
    * @param tile
    *   OUT n rows, `stride` apart
    * @param rhs
    *   IN/OUT the sum, `stride` long
    */
  def gather(
      fixed: Array[Float],
      stride: Int,
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

  /** Replaces a positive definite `a` by R with `R^T R = a`.
    *
    * @return
    *   false where a pivot is not positive (beyond rounding): `a` is then spoilt
    */
  def cholesky(a: Array[Float], stride: Int): Boolean

  /** Solves `R^T R x = b` in place of `b`, given R from [[cholesky]]. */
  def solve(r: Array[Float], stride: Int, b: Array[Float]): Unit

  /** The dot product of two runs of `n` floats. */
  def dot(x: Array[Float], xFrom: Int, y: Array[Float], yFrom: Int, n: Int): Float
}

object Arithmetic {

  /** The fastest that runs here. */
  lazy val best: Arithmetic =
    try {
      if (VectorArithmetic.works) VectorArithmetic else PlainArithmetic
    } catch { case _: LinkageError => PlainArithmetic }

  /** A pivot below this share of the matrix's diagonal counts as zero. */
  private[kernel] final val Singular = 1e-7f
}
