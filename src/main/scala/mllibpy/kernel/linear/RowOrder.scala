package mllibpy.kernel.linear

import java.util.SplittableRandom

/** An order in which to visit rows. */
private[linear] object RowOrder {
  def shuffled(n: Int, seed: Long): Array[Int] = {
    val out = Array.range(0, n)
    val random = new SplittableRandom(seed)
    var i = n - 1
    while (i > 0) {
      val j = random.nextInt(i + 1)
      val x = out(i)
      out(i) = out(j)
      out(j) = x
      i -= 1
    }
    out
  }
}
