package mllibpy.algorithm.decomposition

import mllibpy.kernel.decomposition.{Columns, LeftMap, LeftSum}

/** Singular triples: values descending, right vectors as columns, and the map that makes the left
  * ones of the rows of the data.
  */
private[decomposition] final case class Triples(v: Columns, s: Array[Double], map: LeftMap)

/** From a subspace of right vectors to triples, from a QR factorisation of A V, so that singular
  * values far below the square root of the rounding error are not lost; left vectors are made
  * orthonormal a second time where they need it. Where residuals are still too large, the subspace
  * goes through an explicit step (Halko, Martinsson, Tropp 2011, algorithm 4.4): V = orth(A^T U).
  *
  * Crossings: two passes as a rule, three of ill-conditioned data, two or three for each such step.
  */
private[decomposition] object Finish {
  // So much larger than the last singular value may the first one be that U is orthonormal at once.
  private final val Tame = 30.0
  private final val MostSteps = 12
  private final val Epsilon = 1.1e-16

  def apply(
      matrix: Matrix,
      k: Int,
      from: Subspace,
      tolerance: Double,
      orthonormality: Double,
      maxPasses: Int
  ): (Triples, LeftSum) = {
    val direct = straight(k, from).flatMap { t =>
      val measured = matrix.left(t.map(matrix), t.s)
      Some((t.triples(matrix), measured)).filter { case (triples, m) =>
        Certificate.apart(m.gram) <= orthonormality / 4 &&
        fits(triples, m, tolerance)
      }
    }
    direct.getOrElse {
      val most = if (from.converged) maxPasses else 0
      stepwise(matrix, k, Basis.orthonormal(from.v)._1, tolerance, orthonormality, most)
    }
  }

  /** Vectors and values that need no QR. */
  private final case class Plain(v: Columns, s: Array[Double]) {
    def map(matrix: Matrix): LeftMap = matrix.map(v).andThen(inverse(s))
    def triples(matrix: Matrix): Triples = Triples(v, s, map(matrix))
  }

  private def straight(k: Int, from: Subspace): Option[Plain] = {
    val s = from.values.take(k)
    if (s.last * Tame < s.head || !from.converged) None
    else Some(Plain(flipped(from.v.slice(0, s.length)), s))
  }

  private def inverse(s: Array[Double]): Columns =
    Columns.tabulate(s.length, s.length)((i, j) => if (i == j) 1 / s(i) else 0)

  private def fits(t: Triples, m: LeftSum, tolerance: Double): Boolean =
    Certificate.leftResidual(m, t.v, t.s) <= tolerance * t.s.head &&
      Math.sqrt(m.residuals.max) <= tolerance * t.s.head

  private def stepwise(
      matrix: Matrix,
      k: Int,
      start: Columns,
      tolerance: Double,
      orthonormality: Double,
      maxPasses: Int
  ): (Triples, LeftSum) = {
    var v = start
    var found: Option[(Triples, LeftSum)] = None
    var last = Double.PositiveInfinity
    var step = 0
    while (found.isEmpty) {
      val whole = rotated(matrix, v)
      if (whole.s.isEmpty) found = Some(nothing(matrix))
      else {
        val wanted = cut(matrix, whole, k)
        val t = orthonormal(matrix, wanted, orthonormality)
        val m = matrix.left(t.map, t.s)
        val residual = Certificate.leftResidual(m, t.v, t.s)
        step += 1
        // A step that does not help will not help again: what is left is rounding.
        val enough = step > MostSteps || matrix.passes >= maxPasses
        if (fits(t, m, tolerance) || enough || residual > 0.9 * last) found = Some((t, m))
        else {
          last = residual
          v = stepped(matrix, whole, orthonormality)
        }
      }
    }
    found.get
  }

  /** The triples of A within a subspace, those that are rounding alone left out. */
  private def rotated(matrix: Matrix, v: Columns): Triples = {
    val r = matrix.triangle(matrix.map(v))
    val svd = SmallDense.svd(r)
    val size = Math.max(matrix.rows.toDouble, matrix.features)
    val least = 4 * Math.sqrt(size) * matrix.epsilon * svd.s.head
    val rank = svd.s.count(s => s > least && s > 0)
    val turned = flipped(v * svd.v.slice(0, rank))
    val s = svd.s.take(rank)
    Triples(
      turned,
      s,
      if (rank == 0) matrix.map(turned) else matrix.map(turned).andThen(inverse(s))
    )
  }

  private def nothing(matrix: Matrix): (Triples, LeftSum) = {
    val v = Columns(matrix.features, 0)
    val map = matrix.map(v)
    (Triples(v, Array.empty, map), new LeftSum(matrix.features, 0, map, Array.empty))
  }

  private def cut(matrix: Matrix, t: Triples, k: Int): Triples =
    if (t.s.length <= k) t
    else {
      val (v, s) = (t.v.slice(0, k), t.s.take(k))
      Triples(v, s, matrix.map(v).andThen(inverse(s)))
    }

  /** Makes left vectors orthonormal once more, where rounding has kept them from it: that of a
    * product with A is as large beside the last ones as the first value is beside the last.
    */
  private def orthonormal(matrix: Matrix, t: Triples, orthonormality: Double): Triples = {
    var map = t.map
    var apart = matrix.epsilon * t.s.head / t.s.last
    var times = 0
    while (2 * apart * Math.sqrt(t.s.length.toDouble) > orthonormality / 4 && times < 3) {
      val r = upright(matrix.triangle(map))
      map = map.andThen(SmallDense.inverse(r))
      // These products are of float64 always.
      val values = SmallDense.svd(r).s
      apart = Epsilon * values.head / values.last
      times += 1
    }
    Triples(t.v, t.s, map)
  }

  /** R with a positive diagonal, so that left vectors keep their direction. */
  private def upright(r: Columns): Columns =
    Columns.tabulate(r.rows, r.columns)((i, j) => if (r(i, i) < 0) -r(i, j) else r(i, j))

  private def stepped(matrix: Matrix, whole: Triples, orthonormality: Double): Columns = {
    val t = orthonormal(matrix, whole, orthonormality)
    val z = matrix.left(t.map, t.s).product
    Basis.orthonormal(z.scaled(1 / t.s(_)))._1
  }

  /** The largest entry of each column positive: scikit-learn's `svd_flip` by the right vectors. */
  def flipped(v: Columns): Columns = {
    val signs = Array.tabulate(v.columns) { j =>
      var at = 0
      for (f <- 1 until v.rows if Math.abs(v(f, j)) > Math.abs(v(at, j))) at = f
      if (v(at, j) < 0) -1.0 else 1.0
    }
    v.scaled(signs(_))
  }
}
