package mllibpy.kernel

/** One sweep of block coordinate descent over a row's factors: each block of coordinates is solved
  * exactly with the others held, the scores of the row's ratings being kept up to date, at n k w
  * operations for blocks of w where forming the whole matrix takes n k^2.
  */
private[kernel] final class BlockDescent(rank: Int, width: Int, arithmetic: Arithmetic)
    extends RowMethod {
  private val stride = Stride.of(rank)
  private val a = new Array[Float](width * width)
  private val step = new Array[Float](width)
  private val panel = RowSolver.panel(width)
  private val tile = new Array[Float](Math.max(1, panel * width))
  private val background = new Array[Float](stride) // base x
  // Whether the row's numbers are too large for squares in float32: its value is no number then.
  private var beyond = false
  private var scores = new Array[Float](256)
  private var errors = new Array[Float](256)

  def solve(ratings: RowRatings, around: Surroundings, ridge: Float, x: Array[Float]): Double = {
    if (ratings.n > scores.length) {
      scores = new Array[Float](ratings.columns.length)
      errors = new Array[Float](ratings.columns.length)
    }
    arithmetic.dots(
      around.fixed,
      stride,
      0,
      stride,
      ratings.columns,
      ratings.n,
      x,
      0,
      scores,
      add = false
    )
    java.util.Arrays.fill(background, 0f)
    if (around.base != null) arithmetic.combine(around.base, stride, 0, stride, x, 0, background)
    var from = 0
    var all = true
    beyond = false
    while (from < stride) {
      all &= improve(ratings, around, ridge, x, from, Math.min(width, stride - from))
      from += width
    }
    if (!all) singular += 1
    value(ratings, around, ridge, x)
  }

  /** Whether the block could be solved. */
  private def improve(
      ratings: RowRatings,
      around: Surroundings,
      ridge: Float,
      x: Array[Float],
      from: Int,
      w: Int
  ): Boolean = {
    build(ratings, around, ridge, x, from, w)
    beyond ||= !java.lang.Float.isFinite(RowSolver.meanDiagonal(a, w, w))
    pin(around.pinned - from, w)
    val solved = factorAndSolve(w)
    if (solved) {
      var j = 0
      while (j < w) { x(from + j) += step(j); j += 1 }
      arithmetic.dots(
        around.fixed,
        stride,
        from,
        w,
        ratings.columns,
        ratings.n,
        step,
        0,
        scores,
        add = true
      )
      if (around.base != null)
        arithmetic.combine(around.base, stride, from, from + w, step, -from, background)
    }
    solved
  }

  /** The block's matrix, and its gradient: sum (t - w score) y - base x - ridge x. */
  private def build(
      ratings: RowRatings,
      around: Surroundings,
      ridge: Float,
      x: Array[Float],
      from: Int,
      w: Int
  ): Unit = {
    var i = 0
    while (i < w) {
      step(i) = -background(from + i) - ridge * x(from + i)
      if (around.base != null)
        System.arraycopy(around.base, (from + i) * stride + from, a, i * w, w)
      i += 1
    }
    i = 0
    while (i < ratings.n) {
      val weighted = if (ratings.weights == null) scores(i) else ratings.weights(i) * scores(i)
      errors(i) = ratings.targets(i) - weighted
      i += 1
    }
    var at = 0
    var add = around.base != null
    while (at < ratings.n) {
      val n = Math.min(panel, ratings.n - at)
      arithmetic.gather(
        around.fixed,
        stride,
        from,
        w,
        ratings.columns,
        at,
        n,
        ratings.roots,
        errors,
        tile,
        step
      )
      arithmetic.symmetricUpdate(a, w, tile, 0, n, add)
      add = true
      at += n
    }
    if (!add) java.util.Arrays.fill(a, 0, w * w, 0f)
    RowSolver.regularise(a, w, Math.max(0, Math.min(w, rank - from)), ridge)
  }

  private def pin(at: Int, w: Int): Unit = if (at >= 0 && at < w) {
    RowSolver.pin(a, w, at)
    step(at) = 0f
  }

  /** A block that is singular beyond rounding stays as it is. */
  private def factorAndSolve(w: Int): Boolean =
    arithmetic.cholesky(a, w) && {
      arithmetic.solve(a, w, step)
      var ok = true
      var j = 0
      while (j < w) { ok = ok && java.lang.Float.isFinite(step(j)); j += 1 }
      ok
    }

  private def value(
      ratings: RowRatings,
      around: Surroundings,
      ridge: Float,
      x: Array[Float]
  ): Double = {
    var sum = ratings.constant
    var i = 0
    while (i < ratings.n) {
      val s = scores(i).toDouble
      val w = if (ratings.weights == null) 1f else ratings.weights(i)
      sum += s * (w * s - 2 * ratings.targets(i))
      i += 1
    }
    var j = 0
    while (j < rank) {
      sum += x(j).toDouble * background(j)
      if (j != around.pinned) sum += ridge.toDouble * x(j) * x(j)
      j += 1
    }
    if (beyond) Double.NaN else sum
  }
}
