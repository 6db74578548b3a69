package mllibpy.kernel

import mllibpy.kernel.cluster.{AssignPlan, AssignSum, Centres, Search, StartPlan}
import mllibpy.kernel.linear.{DenseExamples, DenseFloats, FloatExamples}
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

/** The assignment tile of k-means on one core: 64 rows of `rank` features and 128 centres, 2 * 64 *
  * 128 k operations; the best centre of each row is found. `bench/kernels.py` turns nanoseconds
  * into GFLOP/s.
  */
@State(Scope.Thread)
@BenchmarkMode(Array(Mode.SampleTime))
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = Array("--add-modules=jdk.incubator.vector", "-Xmx2g"))
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
class ClusterBench {
  import ClusterBench.{Count, Rows}

  @Param(Array("8", "16", "32", "64", "100", "128", "256"))
  var rank: Int = 0

  private var singles: Search = _
  private var doubles: Search = _
  private var centres: Centres = _
  private var block: FloatExamples = _
  private var plan: AssignPlan = _

  @Setup def prepare(): Unit = {
    val random = new java.util.Random(1)
    val stride = DenseFloats.padded(rank)
    val x = new Array[Float](Rows * stride)
    for (r <- 0 until Rows; f <- 0 until rank) x(r * stride + f) = random.nextFloat() - 0.5f
    val values = Array.fill(Count * rank)(random.nextDouble() - 0.5)
    centres = new Centres(Count, rank, values, new Array[Double](rank), cosine = false)
    block = new FloatExamples(rank, x, new Array[Double](Rows), null)
    singles = Search.of(block)
    doubles =
      Search.of(new DenseExamples(rank, x.map(_.toDouble), new Array[Double](Rows), null))
    val start = new StartPlan(centres, true, false, false, new Array[Double](Count), null)
    plan = new AssignPlan(0, 0, keep = false, Array(start))
  }

  /** Rows of float32. */
  @Benchmark def assignTile(): Array[Int] = {
    singles.take(0, Search.Tile)
    singles.find(centres, two = false)
    singles.which
  }

  /** The second best too, as bounds want it. */
  @Benchmark def boundTile(): Array[Int] = {
    singles.take(0, Search.Tile)
    singles.find(centres, two = true)
    singles.which
  }

  /** Rows of float64. */
  @Benchmark def assignDoubles(): Array[Int] = {
    doubles.take(0, Search.Tile)
    doubles.find(centres, two = false)
    doubles.which
  }

  /** A whole pass over 1,024 rows, with its sums: 2 * 1024 * 128 k. */
  @Benchmark def assignPass(): AssignSum = new AssignSum(plan).add(block)
}

object ClusterBench {
  final val Rows = 1024
  final val Count = 128
}
