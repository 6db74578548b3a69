package mllibpy.kernel

/** Runs the kernels on made-up rows until the JVM has compiled them, so that the first fit does not
  * pay: until then, vectors are objects, and a half-step takes ten times as long.
  */
object WarmUp {
  private final val Rank = 64
  private final val Rows = 32
  private final val Degree = 160
  private final val MostNanos = 3000000000L
  // So many rounds in a row without getting faster, and it is compiled.
  private final val Steady = 40

  /** Starts it once in this JVM, on a thread that does not keep the JVM alive. */
  def start(): Unit = once

  private lazy val once: Unit = {
    val thread = new Thread(() => run(), "mllib_py-warm-up")
    thread.setDaemon(true)
    thread.setPriority(Thread.MIN_PRIORITY)
    thread.start()
  }

  private[kernel] def run(): Unit = {
    val round = rounds()
    val began = System.nanoTime()
    var best = Long.MaxValue
    var steady = 0
    while (steady < Steady && System.nanoTime() - began < MostNanos) {
      val start = System.nanoTime()
      round()
      val took = System.nanoTime() - start
      if (took < best - best / 10) {
        best = took
        steady = 0
      } else steady += 1
    }
  }

  private def rounds(): () => Unit = {
    val stride = Stride.of(Rank)
    val fixed = InitialFactors.rows(
      Array.tabulate(500)(i => Scramble.mix(i.toLong)),
      Rank,
      0,
      0,
      nonnegative = true
    )
    val start = Array.tabulate(Rows + 1)(_ * Degree)
    val columns = Array.tabulate(Rows * Degree)(i => i * 7 % 500)
    val rows = new Csr(start, columns, Array.fill(Rows * Degree)(1f))
    val gramian = new Array[Float](stride * stride)
    val out = new Array[Float](Rows * stride)
    val packed = PackedCsr.of(start, columns, rows.values, Rows * Degree)
    val explicit =
      new RowSolver(Rank, Objective(implicitFeedback = false, 1f, 0.1f, nonnegative = false))
    val implicitly =
      new RowSolver(Rank, Objective(implicitFeedback = true, 1f, 0.1f, nonnegative = false))
    () => {
      explicit.solve(packed, 0, Rows, fixed, null, null, out)
      implicitly.solve(packed, 0, Rows / 4, fixed, gramian, null, out)
      ()
    }
  }
}
