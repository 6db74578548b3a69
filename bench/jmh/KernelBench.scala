package mllibpy.kernel

import org.openjdk.jmh.annotations.{
  Benchmark,
  BenchmarkMode,
  Fork,
  Measurement,
  Mode,
  OutputTimeUnit,
  Param,
  Scope,
  Setup,
  State,
  Warmup
}

import java.util.concurrent.TimeUnit

/** The kernels on one core, one call each: `bench/kernels.py` turns nanoseconds into GFLOP/s. */
@State(Scope.Thread)
@BenchmarkMode(Array(Mode.SampleTime))
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = Array("--add-modules=jdk.incubator.vector", "-Xmx2g"))
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
class KernelBench {
  import KernelBench.{Degree, Rows}

  @Param(Array("8", "16", "32", "64", "100", "128", "256"))
  var rank: Int = 0

  private val arithmetic = Arithmetic.best
  private var stride = 0
  private var panel = 0
  private var fixed: Array[Float] = _
  private var columns: Array[Int] = _
  private var ones: Array[Float] = _
  private var tile: Array[Float] = _
  private var a: Array[Float] = _
  private var positive: Array[Float] = _
  private var b: Array[Float] = _
  private var x: Array[Float] = _
  private var items: Array[Float] = _
  private var scores: Array[Float] = _

  @Setup def prepare(): Unit = {
    stride = Stride.of(rank)
    panel = RowSolver.panel(stride)
    val random = new java.util.Random(1)
    fixed = new Array[Float](Rows * stride)
    for (r <- 0 until Rows; j <- 0 until rank) fixed(r * stride + j) = random.nextFloat() - 0.5f
    columns = Array.fill(Degree)(random.nextInt(Rows))
    ones = Array.fill(Degree)(1f)
    tile = java.util.Arrays.copyOf(fixed, panel * stride)
    b = new Array[Float](stride)
    x = Array.fill(stride)(0.5f)
    positive = new Array[Float](stride * stride)
    arithmetic.symmetricUpdate(positive, stride, fixed, 0, 4 * stride, add = false)
    RowSolver.regularise(positive, stride, rank, 1f)
    a = positive.clone
    items = java.util.Arrays.copyOf(fixed, rank * Arithmetic.PanelItems)
    scores = new Array[Float](Arithmetic.PanelUsers * Arithmetic.PanelItems)
  }

  /** A tile that is in the cache, until 1,024 rows are done: 1024 k (k + 1) operations. */
  @Benchmark def update(): Array[Float] = {
    var at = 0
    while (at < Degree) {
      arithmetic.symmetricUpdate(a, stride, tile, 0, Math.min(panel, Degree - at), add = true)
      at += panel
    }
    a
  }

  /** 1,024 rows from anywhere in a table of 4,096, gathered and added up: a row's equations. */
  @Benchmark def gatheredUpdate(): Array[Float] = {
    var at = 0
    while (at < Degree) {
      arithmetic.gather(
        fixed,
        stride,
        0,
        stride,
        columns,
        at,
        Math.min(panel, Degree - at),
        null,
        ones,
        tile,
        b
      )
      arithmetic.symmetricUpdate(a, stride, tile, 0, Math.min(panel, Degree - at), at > 0)
      at += panel
    }
    a
  }

  /** Factor and solve: k^3 / 3 + 2 k^2. */
  @Benchmark def cholesky(): Array[Float] = {
    System.arraycopy(positive, 0, a, 0, a.length)
    arithmetic.cholesky(a, stride)
    System.arraycopy(x, 0, b, 0, stride)
    arithmetic.solve(a, stride, b)
    b
  }

  /** The product of 1,024 ratings' normal matrix and a vector, unformed: 4 * 1024 k. */
  @Benchmark def cgProduct(): Array[Float] = {
    arithmetic.product(fixed, stride, columns, Degree, ones, x, b)
    b
  }

  /** 8 users and 32 items: 2 * 8 * 32 k. */
  @Benchmark def scoreTile(): Array[Float] = {
    arithmetic.scores(fixed, 0, stride, rank, items, 0, scores)
    scores
  }
}

object KernelBench {
  final val Rows = 4096
  final val Degree = 1024
}
