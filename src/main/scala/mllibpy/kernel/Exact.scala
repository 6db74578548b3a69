package mllibpy.kernel

/** Solves a row's normal equations by Cholesky's factor, or, with x >= 0, by coordinate descent. */
private[kernel] final class Exact(rank: Int, nonnegative: Boolean, arithmetic: Arithmetic)
    extends RowMethod {
  private val stride = Stride.of(rank)
  private val a = new Array[Float](stride * stride)
  private val b = new Array[Float](stride)
  private val rated = new RatedEquations(rank, arithmetic)
  private val descent = if (nonnegative) new CoordinateDescent(rank) else null
  private var offset = 0.0

  def solve(ratings: RowRatings, around: Surroundings, ridge: Float, x: Array[Float]): Double =
    solve(rated.of(ratings, around.fixed), around, ridge, x)

  /** The same for equations from anywhere. */
  def solve(
      equations: Equations,
      around: Surroundings,
      ridge: Float,
      x: Array[Float]
  ): Double = {
    build(equations, around, ridge)
    if (nonnegative) {
      val value = offset + descent.minimise(a, stride, b, x)
      if (around.pinned >= 0) x(around.pinned) = 1f
      value
    } else solveExactly(equations, around, ridge, x)
  }

  private def build(equations: Equations, around: Surroundings, ridge: Float): Unit = {
    equations.form(around.base, a, b)
    offset = equations.constant
    if (around.pinned >= 0) pin(around.pinned)
    RowSolver.regularise(a, stride, rank, ridge)
    if (around.pinned >= 0) a(around.pinned * stride + around.pinned) = 1f
  }

  /** Moves the factor that is 1 to the right-hand side. */
  private def pin(p: Int): Unit = {
    offset += a(p * stride + p).toDouble - 2 * b(p)
    var j = 0
    while (j < rank) {
      b(j) -= (if (j < p) a(j * stride + p) else a(p * stride + j))
      j += 1
    }
    b(p) = 0f
    RowSolver.pin(a, stride, p)
  }

  /** x = a^-1 b. At the minimum the row's share of the objective is offset - x.b.
    *
    * A singular system (reg = 0 and fewer ratings than the rank, say) is solved with a ridge added
    * to the diagonal: 1e-6 of its mean, ten times more until it works.
    */
  private def solveExactly(
      equations: Equations,
      around: Surroundings,
      ridge: Float,
      x: Array[Float]
  ): Double = {
    System.arraycopy(b, 0, x, 0, stride)
    var extra = Exact.FirstRidge * RowSolver.meanDiagonal(a, stride, rank)
    var added = 0f
    var solved = factorAndSolve(x)
    if (!solved) singular += 1
    while (!solved && extra < Float.PositiveInfinity && extra > 0) {
      build(equations, around, ridge)
      added = extra
      RowSolver.regularise(a, stride, rank, added)
      System.arraycopy(b, 0, x, 0, stride)
      solved = factorAndSolve(x)
      extra *= 10
    }
    if (!solved) java.util.Arrays.fill(x, 0f)
    // With a ridge d, (a + d I) x = b, so x^T a x = x.b - d |x|^2.
    val value = offset - arithmetic.dot(x, 0, b, 0, stride) - added * RowSolver.squares(x, rank)
    if (around.pinned >= 0) x(around.pinned) = 1f
    value
  }

  private def factorAndSolve(x: Array[Float]): Boolean =
    arithmetic.cholesky(a, stride) && {
      arithmetic.solve(a, stride, x)
      RowSolver.finite(x, rank)
    }
}

private[kernel] object Exact {
  private final val FirstRidge = 1e-6f
}
