package mllibpy.kernel.cluster

/** The rows with the smallest times, `most` of them, ascending. */
final class Drawn(val most: Int, val features: Int) extends Serializable {
  private var times = new Array[Double](Math.min(most, 16))
  private var rows = new Array[Array[Double]](times.length)
  private var n = 0

  /** At which a row comes too late. */
  def bar: Double = if (n < most) Double.PositiveInfinity else times(0)

  def offer(time: Double, row: => Array[Double]): Unit = if (time < bar) put(time, row)

  // A heap with the latest at its root.
  private def put(time: Double, row: Array[Double]): Unit =
    if (n < most) {
      if (n == times.length) grow()
      var i = n
      n += 1
      while (i > 0 && times((i - 1) / 2) < time) {
        move((i - 1) / 2, i)
        i = (i - 1) / 2
      }
      times(i) = time
      rows(i) = row
    } else {
      var i = 0
      var child = later(0)
      while (child >= 0 && times(child) > time) {
        move(child, i)
        i = child
        child = later(i)
      }
      times(i) = time
      rows(i) = row
    }

  private def later(i: Int): Int = {
    val left = 2 * i + 1
    if (left >= n) -1
    else if (left + 1 < n && times(left + 1) > times(left)) left + 1
    else left
  }

  private def move(from: Int, to: Int): Unit = {
    times(to) = times(from)
    rows(to) = rows(from)
  }

  private def grow(): Unit = {
    val length = Math.min(most, 2 * n)
    times = java.util.Arrays.copyOf(times, length)
    rows = java.util.Arrays.copyOf(rows, length)
  }

  def merge(other: Drawn): this.type = {
    for (i <- 0 until other.n) offer(other.times(i), other.rows(i))
    this
  }

  def ascending: Seq[Array[Double]] =
    (0 until n).sortBy(times(_)).map(rows(_))
}
