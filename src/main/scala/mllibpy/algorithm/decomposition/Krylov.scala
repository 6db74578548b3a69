package mllibpy.algorithm.decomposition

import mllibpy.kernel.decomposition.Columns

/** Approximate right singular vectors, before they are finished.
  *
  * @param values
  *   the singular values, descending, as many as columns
  * @param next
  *   the singular value behind the wanted ones, where it is known, exactly or as a lower bound
  */
private[decomposition] final case class Subspace(
    v: Columns,
    values: Array[Double],
    next: Option[Double],
    converged: Boolean
)

/** The leading right singular vectors from a random start (Halko, Martinsson, Tropp 2011), by the
  * block Krylov method (Musco, Musco 2015): of all that the power steps A^T(A W) gave, the best
  * vectors are taken, and not of the last step alone, so that slowly falling singular values take
  * tens of passes and not hundreds. Each step's columns are made orthonormal, to those before as
  * well; a long basis is cut to its best vectors and goes on (thick restart: Wu, Simon 2000).
  *
  * Crossings: a pass for each step, with as many columns as a block has to every task and back.
  */
private[decomposition] object Krylov {

  /** @param wanted
    *   vectors that must converge
    * @param keep
    *   these and some more, which make them converge sooner
    * @param tolerance
    *   of the residuals, as a share of the largest singular value
    * @param known
    *   vectors to go on from, with random columns that these do not span
    */
  def apply(
      matrix: Matrix,
      wanted: Int,
      keep: Int,
      tolerance: Double,
      maxPasses: Int,
      seed: Long,
      known: Option[Subspace] = None
  ): Subspace = {
    val n = matrix.features
    val width = Math.min(n, block(wanted))
    val most = longest(n, keep, width)
    var basis = known.map(_.v).toVector
    var h = diagonal(known.fold(Array.empty[Double])(_.values.map(s => s * s)))
    var q =
      if (known.isEmpty) Basis.orthonormal(Basis.random(n, width, seed))._1
      else fresh(n, width, basis, seed + matrix.passes)
    var found: Option[Subspace] = None
    var scale = 0.0
    while (found.isEmpty) {
      basis :+= q
      val outside = Basis.outside(matrix.power(q), basis, 4 * matrix.epsilon * scale)
      h = grown(h, outside.share)
      val m = h.columns
      val limit = Math.min(Math.min(n.toLong, matrix.rows), keep.toLong).toInt
      val e = SmallDense.eigen(h, Math.min(m, keep + 1))
      scale = Math.max(scale, Math.max(e.values.head, 0))
      val (next, back) = (outside.q, outside.back)
      val residuals = (0 until Math.min(wanted, m)).map(residual(e, back, q.columns, _))
      val done = m >= Math.min(wanted, limit) && residuals.zipWithIndex.forall { case (r, j) =>
        settled(r, Math.max(e.values(j), 0), scale, tolerance, matrix.epsilon)
      }
      if ((done && (next.columns > 0 || m >= limit)) || matrix.passes >= maxPasses || m == n)
        found = Some(taken(basis, e, wanted, Math.min(m, keep), done || m == n))
      else {
        if (m + width > most) {
          val kept = e.vectors.slice(0, Math.min(keep, m))
          basis = Vector(combined(basis, kept))
          h = diagonal(e.values.take(kept.columns))
        }
        q = if (next.columns > 0) next else fresh(n, width, basis, seed + matrix.passes)
      }
    }
    found.get
  }

  /** Columns to a block: more of them make fewer passes of more work. */
  private[decomposition] def block(wanted: Int): Int = if (wanted <= 4) 8 else 16

  /** How many columns a basis may have: a longer one takes fewer passes, and more work for each. */
  private def longest(n: Int, keep: Int, width: Int): Int = {
    val memory = Runtime.getRuntime.maxMemory / 4 / (8L * n)
    val enough = 6 * keep + 4 * width
    Math.max(keep + 2 * width, Math.min(enough.toLong, memory).toInt)
  }

  private def settled(
      residual: Double,
      value: Double,
      largest: Double,
      tolerance: Double,
      epsilon: Double
  ): Boolean =
    residual <= tolerance * Math.sqrt(largest) * Math.sqrt(value) ||
      residual <= 16 * epsilon * largest

  /** |A^T A v - value v| of an eigenvector: what the last block's product has outside the basis. */
  private def residual(e: SmallDense.Eigen, back: Columns, last: Int, j: Int): Double = {
    val from = e.vectors.rows - last
    val part = Columns.tabulate(last, 1)((c, _) => e.vectors(from + c, j))
    (back * part).lengths.head
  }

  private def diagonal(values: Array[Double]): Columns =
    Columns.tabulate(values.length, values.length)((i, j) => if (i == j) values(i) else 0)

  /** The projected matrix with a block of columns more, symmetric. */
  private def grown(h: Columns, share: Columns): Columns = {
    val (before, m) = (h.columns, share.rows)
    Columns.tabulate(m, m) { (i, j) =>
      if (i < before && j < before) h(i, j)
      else if (j < before) share(j, i - before)
      else if (i < before) share(i, j - before)
      else (share(i, j - before) + share(j, i - before)) / 2
    }
  }

  private def combined(basis: Seq[Columns], by: Columns): Columns = {
    val out = Columns(basis.head.rows, by.columns)
    var at = 0
    for (q <- basis) {
      out.addProduct(q, Columns.tabulate(q.columns, by.columns)((i, j) => by(at + i, j)))
      at += q.columns
    }
    out
  }

  private def taken(
      basis: Seq[Columns],
      e: SmallDense.Eigen,
      wanted: Int,
      keep: Int,
      converged: Boolean
  ): Subspace = {
    val values = e.values.map(x => Math.sqrt(Math.max(x, 0)))
    val v = combined(basis, e.vectors.slice(0, keep))
    Subspace(v, values.take(keep), values.lift(wanted), converged)
  }

  /** Random columns outside the basis: where that is closed under A^T A, and still too small. */
  private def fresh(n: Int, width: Int, basis: Seq[Columns], seed: Long): Columns = {
    val columns = Math.min(width, n - basis.map(_.columns).sum)
    Basis.outside(Basis.random(n, columns, seed), basis, 0).q
  }
}
