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

/** One row of few ratings, by its k normal equations and by the dual system of n unknowns: which is
  * faster decides [[Dual.most]].
  */
@State(Scope.Thread)
@BenchmarkMode(Array(Mode.SampleTime))
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = Array("--add-modules=jdk.incubator.vector", "-Xmx2g"))
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
class RowBench {
  @Param(Array("32", "64", "128", "256"))
  var rank: Int = 0

  /** Ratings as a share of the rank, in eighths. */
  @Param(Array("2", "4", "5", "6", "7"))
  var eighths: Int = 0

  private var exact: RowMethod = _
  private var dual: Dual = _
  private var around: Surroundings = _
  private var ratings: RowRatings = _
  private var x: Array[Float] = _

  @Setup def prepare(): Unit = {
    val random = new java.util.Random(1)
    val n = rank * eighths / 8
    val fixed = Stride.pad(Array.fill(4096 * rank)(random.nextFloat() - 0.5f), rank)
    val columns = Array.fill(n)(random.nextInt(4096)).sorted
    around = new Surroundings(fixed, null, -1)
    ratings = new RowRatings(Objective(implicitFeedback = false, 1f, 0.1f, nonnegative = false))
    ratings.load(new Csr(Array(0, n), columns, Array.fill(n)(random.nextFloat())), 0)
    exact = new Exact(rank, false, Arithmetic.best)
    dual = new Dual(rank, Arithmetic.best, n)
    x = new Array[Float](Stride.of(rank))
  }

  @Benchmark def primal(): Double = exact.solve(ratings, around, 0.1f * ratings.n, x)

  @Benchmark def woodbury(): Double = dual.solve(ratings, around, 0.1f * ratings.n, x)
}
