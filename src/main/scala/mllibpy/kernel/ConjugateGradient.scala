package mllibpy.kernel

/** Conjugate gradients on a row's normal equations, which are never formed: each step multiplies by
  * the row's ratings one after the other, at 4 n k operations where forming the matrix takes n k^2.
  *
  * The fixed rows are gathered once, so that the steps read them one behind the other.
  */
private[kernel] final class ConjugateGradient(rank: Int, steps: Int, arithmetic: Arithmetic)
    extends RowMethod {
  private val stride = Stride.of(rank)
  private val b = new Array[Float](stride)
  private val residual = new Array[Float](stride)
  private val direction = new Array[Float](stride)
  private val product = new Array[Float](stride)
  private val none = new Array[Float](0)
  private val longest = ConjugateGradient.TileFloats / stride
  private var tile = new Array[Float](256 * stride)
  private val inOrder = Array.range(0, longest)

  // Where the rows that the steps read stand: in the tile, or in place where they are too many.
  private var rows = none
  private var places = inOrder

  // Whether the row's numbers are too large for squares in float32: its value is no number then.
  private var beyond = false

  // The residual of the factor that stays 1: it takes no part in the descent, but the value needs it.
  private var pinnedResidual = 0f

  def solve(ratings: RowRatings, around: Surroundings, ridge: Float, x: Array[Float]): Double = {
    load(ratings, around)
    multiply(ratings, around, ridge, x, product)
    var j = 0
    while (j < stride) { residual(j) = b(j) - product(j); j += 1 }
    pinnedResidual = 0f
    if (around.pinned >= 0) {
      pinnedResidual = residual(around.pinned)
      residual(around.pinned) = 0f
    }
    descend(ratings, around, ridge, x)
    // x^T A x = x.(b - residual), so the value x^T A x - 2 x.b is -x.(b + residual).
    var sum = ratings.constant
    j = 0
    while (j < rank) { sum -= x(j).toDouble * (b(j) + residual(j)); j += 1 }
    if (beyond) Double.NaN else sum - pinnedResidual
  }

  /** The right-hand side, and the rows. */
  private def load(ratings: RowRatings, around: Surroundings): Unit = {
    val gathers = ratings.n <= longest
    if (gathers && ratings.n * stride > tile.length)
      tile = new Array[Float](Math.min(longest, 2 * ratings.n) * stride)
    java.util.Arrays.fill(b, 0f)
    arithmetic.gather(
      around.fixed,
      stride,
      0,
      stride,
      ratings.columns,
      0,
      ratings.n,
      null,
      ratings.targets,
      if (gathers) tile else none,
      b
    )
    rows = if (gathers) tile else around.fixed
    places = if (gathers) inOrder else ratings.columns
  }

  private def descend(
      ratings: RowRatings,
      around: Surroundings,
      ridge: Float,
      x: Array[Float]
  ): Unit = {
    System.arraycopy(residual, 0, direction, 0, stride)
    var size = arithmetic.dot(residual, 0, residual, 0, stride)
    // The residual is a difference of these two, and no smaller than their rounding.
    val scale = arithmetic.dot(b, 0, b, 0, stride) + arithmetic.dot(product, 0, product, 0, stride)
    beyond = !java.lang.Float.isFinite(scale)
    val enough = Math.max(ConjugateGradient.Tolerance * scale, java.lang.Float.MIN_NORMAL)
    var step = 0
    while (step < steps && size > enough) {
      multiply(ratings, around, ridge, direction, product)
      val curvature = arithmetic.dot(direction, 0, product, 0, stride)
      if (curvature > 0 && java.lang.Float.isFinite(curvature)) {
        val length = size / curvature
        add(length, direction, x)
        add(-length, product, residual)
        if (around.pinned >= 0) {
          pinnedResidual += residual(around.pinned)
          residual(around.pinned) = 0f
        }
        val before = size
        size = arithmetic.dot(residual, 0, residual, 0, stride)
        turn(size / before)
        step += 1
      } else step = steps
    }
  }

  private def turn(factor: Float): Unit = {
    var j = 0
    while (j < stride) { direction(j) = residual(j) + factor * direction(j); j += 1 }
  }

  /** out = (base + sum w y y^T + ridge I) v */
  private def multiply(
      ratings: RowRatings,
      around: Surroundings,
      ridge: Float,
      v: Array[Float],
      out: Array[Float]
  ): Unit = {
    var j = 0
    while (j < stride) { out(j) = ridge * v(j); j += 1 }
    if (around.pinned >= 0) out(around.pinned) = 0f
    if (around.base != null) arithmetic.combine(around.base, stride, 0, stride, v, 0, out)
    arithmetic.product(
      rows,
      stride,
      places,
      ratings.n,
      ratings.weights,
      v,
      out
    )
  }

  private def add(factor: Float, v: Array[Float], to: Array[Float]): Unit = {
    var j = 0
    while (j < stride) { to(j) += factor * v(j); j += 1 }
  }
}

private[kernel] object ConjugateGradient {

  /** The most that is gathered: 1 MB, which a second-level cache holds. */
  private final val TileFloats = 1 << 18

  /** The share of squares at which float32 has no more to give. */
  final val Tolerance = 1e-13f
}
