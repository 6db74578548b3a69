package mllibpy.algorithm.decomposition

import mllibpy.algorithm.als.SparkWork
import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.{HereBlocks, InvalidInput, LocalSession, Monitor, SparkBlocks}
import mllibpy.kernel.decomposition.{Columns, LeftMap, LeftSum}
import mllibpy.kernel.linear.{DenseDoubles, DenseExamples, Examples, Form}
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** Decompositions: what they cost in Spark, and certificates that fail where they should. */
class SvdSuite extends AnyFunSuite with LocalSession {
  private val features = 12
  private val random = new Random(2)

  // Columns of falling lengths, nearly at right angles.
  private val rows =
    Array.fill(600)(Array.tabulate(features)(f => Math.pow(0.7, f) * random.nextGaussian()))

  private val blocks: Seq[Examples] = rows.toSeq.grouped(7).toSeq.map { of =>
    val stride = DenseDoubles.padded(features)
    val values = new Array[Double](of.length * stride)
    for ((r, i) <- of.zipWithIndex) System.arraycopy(r, 0, values, i * stride, features)
    new DenseExamples(features, values, new Array(of.length), null)
  }

  private def here = new LinearData(new HereBlocks(blocks, 2), features, 0, Form.Doubles)
  private def there(partitions: Int) = new LinearData(
    new SparkBlocks(sc.parallelize(blocks, partitions), () => ()),
    features,
    0,
    Form.Doubles
  )

  private def params(method: String, k: Int = 3) = SvdParams(k, method, false, None, 4, 100, 1L)
  private def fit(data: LinearData, p: SvdParams) = Svd(data, p, new Monitor)

  for (method <- Seq("gramian", "randomized", "tsqr"))
    test(s"$method: a job for each pass; partitions do not matter") {
      val local = fit(here, params(method))
      assert(local.certificate.holds)
      for (partitions <- Seq(2, 16, 64)) {
        var found = local
        val work = SparkWork.of(sc) { found = fit(there(partitions), params(method)) }
        assert(work == SparkWork(found.certificate.passes, 0))
        for (j <- 0 until 3) {
          assert(Math.abs(found.s(j) - local.s(j)) < 1e-10 * local.s(0))
          for (f <- 0 until features) assert(Math.abs(found.v(f, j) - local.v(f, j)) < 1e-7)
        }
      }
      assert(SparkWork.of(sc)(fit(here, params(method))) == SparkWork(0, 0))
    }

  test("well-conditioned rows take two passes by the Gramian; a choice counts rows in one job") {
    assert(fit(here, params("gramian")).certificate.passes == 2)
    var found = fit(here, params("auto"))
    assert(found.method == "gramian" && found.costs.length == 3)
    val work = SparkWork.of(sc) { found = fit(there(4), params("auto")) }
    assert(work == SparkWork(found.certificate.passes + 1, 0))
  }

  private def certificate(change: (Columns, Array[Double]) => (Columns, Array[Double])) = {
    val right = fit(here, params("gramian"))
    val matrix = new Matrix(here, false, new Monitor)
    val (v, s) = change(right.v, right.s)
    val inverse = Columns.tabulate(s.length, s.length)((i, j) => if (i == j) 1 / s(i) else 0)
    val t = Triples(v, s, matrix.map(v).andThen(inverse))
    val measured = matrix.left(t.map, t.s)
    val start = Basis.random(features, 4, 5)
    Svd.certify(matrix, t, measured, None, matrix.power, start)(1e-9, 1e-12)
  }

  test("what is right has a certificate that holds") {
    assert(certificate((v, s) => (v, s)).holds)
  }

  test("a wrong value, a turned vector and a vector that is too long show") {
    val value = certificate((v, s) => (v, s.updated(1, s(1) * 1.001)))
    assert(!value.holds && value.left > value.tolerance * value.largest)
    assert(value.orthonormalU > 1e-4)
    val turned = certificate { (v, s) =>
      val by = Columns.identity(3)
      by(0, 0) = Math.cos(1e-4)
      by(1, 1) = Math.cos(1e-4)
      by(0, 1) = Math.sin(1e-4)
      by(1, 0) = -Math.sin(1e-4)
      (v * by, s)
    }
    assert(!turned.holds && turned.left > 1e-6 * turned.largest && turned.orthonormalV < 1e-12)
    val long = certificate((v, s) => (v.scaled(j => if (j == 2) 1.0001 else 1), s))
    assert(!long.holds && long.orthonormalV > 1e-5)
  }

  test("a missing leading triple shows in the error, and in no residual") {
    val missing = certificate((v, s) => (v.slice(1, 3), s.drop(1)))
    assert(missing.left < 1e-9 * missing.largest && missing.orthonormalU < 1e-12)
    assert(!missing.complete && !missing.holds)
    assert(missing.error > 1.2 * missing.largest)
  }

  test("among 100,000 columns a lost triple of twice the next value shows from random vectors") {
    // A^T A is diagonal: 9 (found), 4 (lost), and else 1; U and V begin with the first unit vector.
    val n = 100000
    val squares = Array.tabulate(n)(i => if (i == 0) 9.0 else if (i == 70000) 4.0 else 1.0)
    val v = Columns.tabulate(n, 1)((f, _) => if (f == 0) 1 else 0)
    val measured = new LeftSum(n, 1, new LeftMap(v, null, Nil), Array(3.0))
    measured.product(0, 0) = 3
    measured.gram(0, 0) = 1
    def gram(x: Columns) = Columns.tabulate(n, x.columns)((f, j) => squares(f) * x(f, j))
    for (seed <- 1 to 3) {
      val start = Basis.random(n, 4, seed.toLong)
      val steps = Certificate.steps(n)
      val found = Certificate.error(gram, start, steps, measured, v, Array(3.0))
      assert(found > 1.7 && found < 2 + 1e-9)
    }
    assert(Certificate.steps(100) < 4 && Certificate.steps(n) == 4)
  }

  test("a matrix without a next value leaves no room for an error") {
    val whole = Certificate(0, 0, 0, 0, 0.5, Some(0.0), 1e-7, 1e-9, 1e-12, 2, 1, 2)
    assert(!whole.complete && whole.copy(error = 1e-8).complete)
    assert(whole.copy(next = Some(0.5)).complete && whole.copy(next = None).complete)
  }

  test("numbers whose squares are nothing are refused; zeros are not") {
    def data(by: Double) = {
      val block: Examples = new DenseExamples(1, Array.fill(8 * 4)(by), new Array[Double](4), null)
      new LinearData(new HereBlocks(Seq(block)), 1, 0, Form.Doubles)
    }
    val thrown = intercept[InvalidInput](fit(data(1e-170), params("gramian", 1)))
    assert(thrown.getMessage.contains("too small for its square; scale the matrix up"))
    assert(fit(data(0), params("gramian", 1)).s.forall(_ == 0))
  }

  test("eigenvectors of a symmetric matrix, all and the leading ones") {
    for (n <- Seq(1, 2, 3, 17, 60); k <- Seq(1, n)) {
      val q = Basis.orthonormal(Basis.random(n, n, 3))._1
      val values = Array.tabulate(n)(i => Math.pow(0.8, i) - 0.3)
      val m = q.scaled(values(_)) * q.cross(Columns.identity(n))
      val e = SmallDense.eigen(m, k)
      for (j <- 0 until k) assert(Math.abs(e.values(j) - values.sorted.reverse(j)) < 1e-13)
      val product = m * e.vectors
      product -= e.vectors.scaled(e.values(_))
      assert(product.squares.forall(_ < 1e-26))
      assert(Certificate.apart(e.vectors.cross(e.vectors)) < 1e-13)
    }
  }

  private def chosen(
      rows: Long,
      features: Int,
      entries: Double,
      k: Int,
      memory: Long = 4L << 30,
      share: Long = 2L << 30
  ) =
    SvdCost
      .choose(
        SvdCost.all(
          SvdShape(rows, features, entries, entries < features, false, k, k + 10, 2, memory, share)
        )
      )
      .method

  test("the choice: few columns by the Gramian, many by power steps, and what fits") {
    assert(chosen(200000, 100, 100, 20) == "gramian")
    assert(chosen(200000, 500, 500, 20) == "gramian")
    assert(chosen(50000, 2000, 2000, 3) == "randomized")
    assert(chosen(2000000, 100000, 20, 50) == "randomized")
    assert(chosen(1000, 1000000, 20, 5) == "randomized")
    assert(chosen(200000, 500, 500, 20, memory = 1 << 20) == "randomized")
    assert(chosen(200000, 500, 500, 20, share = 1 << 20) == "randomized")
  }

  test("a Gramian that fits no array, the driver or an executor is refused before a pass") {
    for (
      (n, memory, share) <- Seq(
        (46337, 1L << 60, 1L << 60),
        (1000, 1L << 23, 1L << 60),
        (1000, 1L << 60, 1L << 22)
      )
    ) {
      val thrown = intercept[InvalidInput](SvdCost.refuseGramian(n, 2, memory, share))
      assert(thrown.getMessage.contains(s"$n x $n numbers"))
    }
    SvdCost.refuseGramian(1000, 2, 1L << 30, 1L << 24)
  }

  test("more copies of a singular value than a block has columns are all found") {
    // A^T A is diagonal: 30 ones, and 30 quarters.
    val n = 60
    val values = Array.tabulate(n)(i => if (i % 2 == 0) 1.0 else 0.5)
    val stride = DenseDoubles.padded(n)
    val packed = new Array[Double](n * stride)
    for (i <- 0 until n) packed(i * stride + i) = values(i)
    val block: Examples = new DenseExamples(n, packed, new Array(n), null)
    val data = new LinearData(new HereBlocks(Seq(block)), n, 0, Form.Doubles)
    for (k <- Seq(3, 17, 30)) {
      val found = fit(data, params("randomized", k))
      assert(found.certificate.holds && found.certificate.failed.isEmpty)
      assert(found.s.length == k && found.s.forall(s => Math.abs(s - 1) < 1e-9))
    }
  }

  test("nothing is outside the whole space, and few columns have a certificate that holds") {
    for (n <- 2 to 9; seed <- 1 to 5) {
      val whole = Basis.orthonormal(Basis.random(n, n, seed.toLong))._1
      assert(Basis.outside(Basis.random(n, 4, -seed.toLong), Seq(whole), 0).q.columns == 0)
      val rows = Columns.tabulate(n + 3, n)((_, f) => Math.pow(0.8, f) * random.nextGaussian())
      val stride = DenseDoubles.padded(n)
      val values = new Array[Double]((n + 3) * stride)
      for (r <- 0 until n + 3; f <- 0 until n) values(r * stride + f) = rows(r, f)
      val block: Examples = new DenseExamples(n, values, new Array(n + 3), null)
      val data = new LinearData(new HereBlocks(Seq(block)), n, 0, Form.Doubles)
      for (method <- Seq("gramian", "randomized", "tsqr"))
        assert(fit(data, params(method, 1)).certificate.failed == Nil)
    }
  }

  test("what fails in a certificate has a name") {
    val good = Certificate(0, 0, 0, 0, 0.5, Some(0.5), 1e-7, 1e-9, 1e-12, 2, 1, 2)
    assert(good.holds)
    assert(good.copy(right = 1e-8).failed == Seq(("residual_right", 1e-8, 2e-9)))
    assert(
      good.copy(orthonormalV = 1e-3, error = 3).failed.map(_._1) == Seq("orthonormal_v", "error")
    )
  }

  for (method <- Seq("gramian", "randomized", "tsqr"); by <- Seq(1e100, 1e-120))
    test(s"$method: entries of about $by, whose fourth powers float64 does not hold") {
      val n = 50
      val rows = Columns.tabulate(200, n)((_, f) => Math.pow(0.9, f) * random.nextGaussian())
      val stride = DenseDoubles.padded(n)
      def data(by: Double) = {
        val values = new Array[Double](200 * stride)
        for (r <- 0 until 200; f <- 0 until n) values(r * stride + f) = by * rows(r, f)
        val block: Examples = new DenseExamples(n, values, new Array(200), null)
        new LinearData(new HereBlocks(Seq(block)), n, 0, Form.Doubles)
      }
      val (plain, found) = (fit(data(1), params(method)), fit(data(by), params(method)))
      assert(found.converged && found.certificate.holds)
      for (j <- 0 until 3) {
        assert(Math.abs(found.s(j) / by - plain.s(j)) < 1e-10 * plain.s(0))
        for (f <- 0 until n) assert(Math.abs(found.v(f, j) - plain.v(f, j)) < 1e-7)
      }
    }
}
