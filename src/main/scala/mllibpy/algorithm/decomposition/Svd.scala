package mllibpy.algorithm.decomposition

import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.{InvalidInput, Monitor}
import mllibpy.kernel.decomposition.{Columns, LeftMap, LeftSum}
import mllibpy.kernel.linear.Form

/** What is asked of a decomposition.
  *
  * @param centred
  *   whether the columns' means are taken from the rows
  * @param tolerance
  *   of the residuals, as a share of the largest singular value; None for what the data's numbers
  *   allow
  */
final case class SvdParams(
    k: Int,
    method: String,
    centred: Boolean,
    tolerance: Option[Double],
    oversamples: Int,
    maxPasses: Int,
    seed: Long
)

/** What came of it: as many triples as are wanted, or as the matrix has. */
final class SvdFit(
    val v: Columns,
    val s: Array[Double],
    val map: LeftMap,
    val data: LinearData,
    val rows: Long,
    val method: String,
    val converged: Boolean,
    val certificate: Certificate
) {

  /** What the methods were thought to cost, where the choice was the library's. */
  var costs: Seq[SvdCost] = Nil
}

object Svd {
  final val Methods: Seq[String] = Seq("auto", "gramian", "randomized", "tsqr")

  def apply(data: LinearData, p: SvdParams, monitor: Monitor): SvdFit = {
    InvalidInput.unless(
      Methods.contains(p.method),
      s"method must be one of ${Methods.map(m => s"'$m'").mkString(", ")}, not '${p.method}'"
    )
    val matrix = new Matrix(data, p.centred, monitor)
    val k = Math.min(p.k, data.features)
    val single = data.form == Form.Floats
    val tolerance = p.tolerance.getOrElse(if (single) 1e-5 else 1e-9)
    val orthonormality = if (single) 1e-5 else 1e-12
    val keep = Math.min(data.features, k + Math.max(1, p.oversamples))
    if (p.method == "gramian") matrix.refuseGramian()
    val costs = if (p.method == "auto") SvdCost.all(matrix.shape(k, keep)) else Nil
    val method = if (p.method == "auto") SvdCost.choose(costs).method else p.method
    val fit = by(method, matrix, p, k, keep, tolerance, orthonormality)
    fit.costs = costs
    fit
  }

  private def by(
      method: String,
      matrix: Matrix,
      p: SvdParams,
      k: Int,
      keep: Int,
      tolerance: Double,
      orthonormality: Double
  ): SvdFit = {
    val features = matrix.features
    method match {
      case "gramian" =>
        val g = matrix.gramian()
        val found = subspace(g, k, keep)
        finished(matrix, p, k, found, x => g * x, tolerance, orthonormality, method)
      case "tsqr" =>
        val r = matrix.triangle(matrix.map(Columns.identity(features)))
        val svd = SmallDense.svd(r)
        val whole = Subspace(svd.v.slice(0, keep), svd.s.take(keep), svd.s.lift(k), true)
        finished(matrix, p, k, whole, matrix.power, tolerance, orthonormality, method)
      case _ =>
        val found = Krylov(matrix, k, keep, tolerance / 4, p.maxPasses, p.seed)
        randomized(matrix, p, k, keep, found, tolerance, orthonormality)
    }
  }

  /** From a block of random columns a Krylov space has at most as many vectors of a multiple
    * singular value as the block has columns. Where the certificate says that a triple is missing,
    * the search goes on with a fresh block beside what was found: so often that blocks could hold
    * all k.
    */
  private def randomized(
      matrix: Matrix,
      p: SvdParams,
      k: Int,
      keep: Int,
      first: Subspace,
      tolerance: Double,
      orthonormality: Double
  ): SvdFit = {
    def finish(found: Subspace) =
      finished(matrix, p, k, found, matrix.power, tolerance, orthonormality, "randomized")
    var found = first
    var fit = finish(found)
    var blocks = 1 + (k + Krylov.block(k) - 1) / Krylov.block(k)
    while (
      !fit.certificate.complete && found.converged && blocks > 0 &&
      matrix.passes < p.maxPasses && found.v.columns < matrix.features
    ) {
      found = Krylov(matrix, k, keep, tolerance / 4, p.maxPasses, p.seed, Some(found))
      fit = finish(found)
      blocks -= 1
    }
    fit
  }

  private def subspace(g: Columns, k: Int, keep: Int): Subspace = {
    val n = g.columns
    val e = SmallDense.eigen(g, keep)
    val values = e.values.map(x => Math.sqrt(Math.max(0, x)))
    Subspace(e.vectors, values, if (k < n) values.lift(k) else None, converged = true)
  }

  private def finished(
      matrix: Matrix,
      p: SvdParams,
      k: Int,
      found: Subspace,
      gram: Columns => Columns,
      tolerance: Double,
      orthonormality: Double,
      method: String
  ): SvdFit = {
    val (t, measured) = Finish(matrix, k, found, tolerance, orthonormality, p.maxPasses)
    val full = t.s.length >= Math.min(matrix.features.toLong, matrix.rows)
    val next = if (full || t.s.length < k) Some(0.0) else found.next
    val certificate =
      certify(matrix, t, measured, next, gram, start(matrix, found, t, p.seed))(
        tolerance,
        orthonormality
      )
    new SvdFit(
      t.v,
      t.s,
      t.map,
      matrix.data,
      matrix.rows,
      method,
      certificate.left <= tolerance * certificate.largest && found.converged,
      certificate
    )
  }

  /** Where the power method begins: at the vectors behind the wanted ones, which give the least
    * that the error can be, and at random ones, which find what was missed.
    */
  private def start(matrix: Matrix, found: Subspace, t: Triples, seed: Long): Columns = {
    val (n, k) = (matrix.features, t.s.length)
    val random = Basis.random(n, Math.min(n, 4), ~seed)
    val behind = Math.min(4, found.v.columns - k)
    if (behind <= 0 || n < 8) random
    else Columns.beside(Seq(found.v.slice(k, k + behind), random))
  }

  private[decomposition] def certify(
      matrix: Matrix,
      t: Triples,
      measured: LeftSum,
      next: Option[Double],
      gram: Columns => Columns,
      start: Columns
  )(tolerance: Double, orthonormality: Double): Certificate = {
    val steps = Certificate.steps(matrix.features)
    val error = Certificate.error(gram, start, steps, measured, t.v, t.s)
    val largest = t.s.headOption.getOrElse(0.0)
    matrix.refuseTiny(largest)
    Certificate(
      right = Math.sqrt(measured.residuals.maxOption.getOrElse(0.0)),
      left = Certificate.leftResidual(measured, t.v, t.s),
      orthonormalU = Certificate.apart(measured.gram),
      orthonormalV = Certificate.apart(t.v.cross(t.v)),
      error = error,
      next = next,
      // Of products of rows with triples; centring has rounded them as the rows were before.
      resolution = 8 * Math.sqrt(matrix.epsilon * largest * (largest + matrix.taken)),
      tolerance = tolerance,
      orthonormality = orthonormality,
      largest = largest,
      smallest = t.s.lastOption.getOrElse(0.0),
      passes = matrix.passes
    )
  }
}
