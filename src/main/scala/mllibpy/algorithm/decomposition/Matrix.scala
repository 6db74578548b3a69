package mllibpy.algorithm.decomposition

import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.{Blocks, InvalidInput, Monitor, Shared, StepRecord}
import mllibpy.kernel.decomposition.{Columns, GramianSum, LeftMap, LeftSum, PowerSum, QrSum}
import mllibpy.kernel.linear.{Examples, Form, SparseExamples}

/** A data set as a matrix that can be multiplied, a pass at a time; its rows may be centred, which
  * no product makes explicit.
  */
private[decomposition] final class Matrix(
    val data: LinearData,
    val centred: Boolean,
    monitor: Monitor
) {
  val features: Int = data.features

  /** Null where rows are not centred. */
  val means: Array[Double] = if (centred) data.moments.means else null
  var passes = 0
  private var known = -1L

  /** How many rows there are; known after the first pass. */
  def rows: Long = if (known >= 0) known else data.moments.rows

  /** The relative rounding error of a product of rows. */
  val epsilon: Double = if (data.form == Form.Floats) 6e-8 else 1.1e-16

  /** What a choice of the method goes by: counts of rows and entries, no pass over the numbers. */
  def shape(k: Int, keep: Int): SvdShape = {
    val counts = Matrix.counts(data.blocks)
    InvalidInput.unless(counts(0) > 0, "there are no rows to decompose; give at least one")
    known = counts(0)
    SvdShape(
      known,
      features,
      counts(1).toDouble / known,
      data.form == Form.Sparse,
      data.form == Form.Floats,
      k,
      keep,
      cores,
      Runtime.getRuntime.maxMemory,
      Matrix.share(data.blocks, cores)
    )
  }

  private def cores = Math.min(data.blocks.partitions, Matrix.cores(data.blocks))

  /** Refuses a Gramian that does not fit, before any pass. */
  def refuseGramian(): Unit =
    SvdCost.refuseGramian(
      features,
      cores,
      Runtime.getRuntime.maxMemory,
      Matrix.share(data.blocks, cores)
    )

  private def pass[S](what: String, rows: S => Long)(sum: => S): S = {
    monitor.enter(what)
    passes += 1
    val began = System.nanoTime()
    val found = sum
    known = rows(found)
    InvalidInput.unless(known > 0, "there are no rows to decompose; give at least one")
    monitor.record(StepRecord(passes, what, 0, (System.nanoTime() - began) / 1e9))
    found
  }

  /** The length of the matrix that centring takes from the rows. */
  def taken: Double =
    if (means == null) 0 else Math.sqrt(rows * means.map(m => m * m).sum)

  /** The means times some columns: what centring takes from each row of a product. */
  def shift(w: Columns): Array[Double] =
    if (means == null) null
    else {
      val out = new Array[Double](w.width)
      for (f <- 0 until features; j <- 0 until w.columns) out(j) += means(f) * w(f, j)
      out
    }

  /** Refuses numbers whose squares float64 does not hold, which all look like zeros.
    *
    * @param largest
    *   singular value that was found
    */
  def refuseTiny(largest: Double): Unit = if (largest < Matrix.Tiny) {
    val most = Matrix.largest(data.blocks)
    InvalidInput.unless(
      most == 0 || most > Matrix.Tiny,
      s"the largest entry is $most, too small for its square; scale the matrix up"
    )
  }

  private def centre(product: Columns, ones: Array[Double]): Columns = {
    if (means != null)
      for (f <- 0 until features; j <- 0 until product.columns)
        product(f, j) = product(f, j) - means(f) * ones(j)
    product
  }

  /** A^T A, whole. */
  def gramian(): Columns = {
    val sum = pass[GramianSum]("gramian", _.rows)(
      Matrix.gramian(data.blocks, features, if (data.form == Form.Sparse) null else means)
    )
    val implicitly = means != null && data.form == Form.Sparse
    Columns.tabulate(features, features) { (f, g) =>
      val taken = if (implicitly) means(f) * means(g) * known else 0
      sum(f, g) - taken
    }
  }

  /** A^T (A W). */
  def power(w: Columns): Columns = {
    val sum = pass[PowerSum]("power step", _.rows)(
      Matrix.power(data.blocks, features, w, shift(w))
    )
    centre(sum.product, sum.ones)
  }

  /** R of the QR factorisation of what a map makes. */
  def triangle(map: LeftMap): Columns =
    pass[QrSum]("QR", _.rows)(Matrix.triangle(data.blocks, map)).triangle

  def map(v: Columns): LeftMap = new LeftMap(v, shift(v), Nil)

  /** What there is to measure of left vectors; its product is of the centred rows. */
  def left(map: LeftMap, values: Array[Double]): LeftSum = {
    val sum =
      pass[LeftSum]("certificate", _.rows)(Matrix.left(data.blocks, features, map, values))
    centre(sum.product, sum.ones)
    sum
  }
}

private object Matrix {
  // In an object, so that the tasks' closures hold just these arguments.
  private def shared[T <: AnyRef: scala.reflect.ClassTag, S](blocks: Blocks[Examples], value: T)(
      use: Shared[T] => S
  ): S = {
    val at = blocks.share(value)
    try use(at)
    finally at.destroy()
  }

  // Squares of smaller numbers have lost digits, or are 0.
  final val Tiny = 1e-154

  def largest(blocks: Blocks[Examples]): Double =
    blocks.sum(8L)(() => 0.0)((most, block) => Math.max(most, largestOf(block)))(Math.max)

  private def largestOf(block: Examples): Double = {
    var most = 0.0
    for (r <- 0 until block.rows)
      block.foreach(r)((_, x) => most = Math.max(most, Math.abs(x)))
    most
  }

  def counts(blocks: Blocks[Examples]): Array[Long] =
    blocks.sum(16L)(() => new Array[Long](2))(count)((a, b) => Array(a(0) + b(0), a(1) + b(1)))

  private def count(sum: Array[Long], block: Examples): Array[Long] = {
    sum(0) += block.rows
    sum(1) += (block match {
      case sparse: SparseExamples => sparse.values.length.toLong
      case dense                  => dense.rows.toLong * dense.features
    })
    sum
  }

  def cores(blocks: Blocks[Examples]): Int =
    blocks.context.fold(Runtime.getRuntime.availableProcessors)(_.defaultParallelism)

  /** Memory for each core that sums. */
  def share(blocks: Blocks[Examples], cores: Int): Long =
    blocks.context.filterNot(_.isLocal).fold(Runtime.getRuntime.maxMemory / Math.max(1, cores)) {
      sc =>
        val conf = sc.getConf
        val executors = Math.max(1, sc.getExecutorMemoryStatus.size - 1) // without the driver
        val each = conf.getInt("spark.executor.cores", sc.defaultParallelism / executors)
        conf.getSizeAsBytes("spark.executor.memory", "1g") / Math.max(1, each)
    }

  def gramian(blocks: Blocks[Examples], features: Int, means: Array[Double]): GramianSum =
    if (means == null)
      blocks.sum(GramianSum.bytes(features))(() => new GramianSum(features, null))(_ add _)(
        _ merge _
      )
    else
      shared(blocks, means) { at =>
        blocks.sum(GramianSum.bytes(features))(() => new GramianSum(features, at.value))(_ add _)(
          _ merge _
        )
      }

  def power(blocks: Blocks[Examples], features: Int, w: Columns, shift: Array[Double]): PowerSum = {
    val columns = w.columns
    shared(blocks, (w, shift)) { at =>
      blocks.sum(8L * w.values.length)(() =>
        new PowerSum(features, columns, at.value._1, at.value._2)
      )(_ add _)(_ merge _)
    }
  }

  def triangle(blocks: Blocks[Examples], map: LeftMap): QrSum = {
    val columns = map.columns
    shared(blocks, map) { at =>
      blocks.sum(8L * columns * columns)(() => new QrSum(columns, at.value))(_ add _)(_ merge _)
    }
  }

  def left(
      blocks: Blocks[Examples],
      features: Int,
      map: LeftMap,
      values: Array[Double]
  ): LeftSum = {
    val columns = map.columns
    shared(blocks, (map, values)) { at =>
      blocks.sum(8L * features * columns)(() =>
        new LeftSum(features, columns, at.value._1, at.value._2)
      )(_ add _)(_ merge _)
    }
  }
}
