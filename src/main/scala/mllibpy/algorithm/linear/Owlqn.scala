package mllibpy.algorithm.linear

/** L-BFGS for a smooth function plus sum l1_i |x_i| (Andrew and Gao: Scalable training of
  * L1-regularized log-linear models, 2007): the gradient of the orthant that a step is taken in
  * stands for the one that there is not, and a step ends where it would leave the orthant.
  */
private[linear] final class Owlqn(
    start: Array[Double],
    l1: Array[Double],
    stopping: Stopping,
    memory: Int = 10
) extends Minimiser {
  private val inverse = new LimitedMemory(memory)
  private var at = start
  private var value = Double.NaN
  private var smooth: Array[Double] = null
  private var pseudo: Array[Double] = null
  private var direction: Array[Double] = null
  private var length = 0.0
  private var tries = 0
  private var asked = start
  private var ended: Option[String] = None
  private var done = 0

  def point: Array[Double] = asked
  def reason: Option[String] = ended
  def iterations: Int = done
  def best: Best = Best(at, value, Vectors.largest(pseudo))

  def tell(found: Double, slopes: Array[Double]): Unit = {
    val total = found + penalty(asked)
    if (smooth == null) {
      value = total
      smooth = slopes
      pseudo = pseudoGradient()
      ended = Minimiser.atStart(total, pseudo, stopping)
      if (ended.isEmpty) search()
    } else {
      tries += 1
      val fall = Vectors.dot(pseudo, Vectors.minus(asked, at))
      if (total <= value + Lbfgs.Armijo * fall) accept(total, slopes) else shorten()
    }
  }

  private def penalty(x: Array[Double]): Double = {
    var sum = 0.0
    var i = 0
    while (i < x.length) { sum += l1(i) * Math.abs(x(i)); i += 1 }
    sum
  }

  /** The steepest one-sided slope in each coordinate, 0 where both sides rise. */
  private def pseudoGradient(): Array[Double] = {
    val out = new Array[Double](at.length)
    var i = 0
    while (i < out.length) {
      val g = smooth(i)
      out(i) =
        if (at(i) > 0) g + l1(i)
        else if (at(i) < 0) g - l1(i)
        else if (g + l1(i) < 0) g + l1(i)
        else if (g - l1(i) > 0) g - l1(i)
        else 0
      i += 1
    }
    out
  }

  private def search(): Unit = {
    direction = inverse.times(pseudo)
    var i = 0
    while (i < direction.length) {
      direction(i) = if (direction(i) * pseudo(i) > 0) -direction(i) else 0
      i += 1
    }
    if (direction.forall(_ == 0)) direction = pseudo.map(-_)
    tries = 0
    val steepness = Math.sqrt(Vectors.dot(pseudo, pseudo))
    length = if (inverse.isEmpty) Math.min(1, 1 / steepness) else 1
    ask()
  }

  /** Goes along the direction; coordinates that would change their sign become 0. */
  private def ask(): Unit = {
    asked = new Array[Double](at.length)
    var i = 0
    while (i < asked.length) {
      val moved = at(i) + length * direction(i)
      val sign = if (at(i) != 0) at(i) else -pseudo(i)
      asked(i) = if (l1(i) == 0 || moved * sign > 0) moved else 0
      i += 1
    }
  }

  private def shorten(): Unit = {
    length /= 2
    if (tries < Lbfgs.MostTries) ask()
    else if (inverse.isEmpty) ended = Some(Stopping.Exhausted)
    else {
      inverse.forget()
      search()
    }
  }

  private def accept(total: Double, slopes: Array[Double]): Unit = {
    inverse.remember(Vectors.minus(asked, at), Vectors.minus(slopes, smooth))
    val before = value
    at = asked
    value = total
    smooth = slopes
    pseudo = pseudoGradient()
    done += 1
    ended = stopping.reason(done, before, value, Vectors.largest(pseudo))
    if (ended.isEmpty) search()
  }
}
