package mllibpy.kernel.decomposition

import mllibpy.kernel.linear.{DenseDoubles, DenseExamples, DenseFloats, Examples, FloatExamples}
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

/** A block of 2048 rows: the Gramian, n k (k + 1) additions and multiplications, and a power step
  * of 16 columns, 64 n k of them.
  */
@State(Scope.Thread)
@BenchmarkMode(Array(Mode.SampleTime))
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = Array("--add-modules=jdk.incubator.vector", "-Xmx2g"))
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
class DecompositionBench {
  @Param(Array("100", "500", "2000"))
  var features: Int = 0

  private final val Rows = 2048
  private var doubles: Examples = _
  private var floats: Examples = _
  private var gramian: GramianSum = _
  private var power: PowerSum = _

  @Setup def prepare(): Unit = {
    val random = new java.util.Random(1)
    val labels = new Array[Double](Rows)
    val (wide, narrow) = (DenseDoubles.padded(features), DenseFloats.padded(features))
    val (x, y) = (new Array[Double](Rows * wide), new Array[Float](Rows * narrow))
    for (r <- 0 until Rows; f <- 0 until features) {
      x(r * wide + f) = random.nextGaussian()
      y(r * narrow + f) = x(r * wide + f).toFloat
    }
    doubles = new DenseExamples(features, x, labels, null)
    floats = new FloatExamples(features, y, labels, null)
    gramian = new GramianSum(features, null)
    val w = Columns.tabulate(features, 16)((_, _) => random.nextGaussian())
    power = new PowerSum(features, 16, w, null)
  }

  @Benchmark def gramianOfDoubles(): GramianSum = gramian.add(doubles)
  @Benchmark def gramianOfFloats(): GramianSum = gramian.add(floats)
  @Benchmark def powerStepOfDoubles(): PowerSum = power.add(doubles)
  @Benchmark def powerStepOfFloats(): PowerSum = power.add(floats)
}
