package mllibpy.algorithm.linear

/** L-BFGS (Liu and Nocedal: On the limited memory BFGS method for large scale optimization, 1989)
  * with a line search for the weak Wolfe conditions by bisection and doubling (Lewis and Overton:
  * Nonsmooth optimization via quasi-Newton methods, 2013). For smooth losses, without L1.
  *
  * @param first
  *   multiplies by an inverse Hessian to begin with
  */
private[linear] final class Lbfgs(
    start: Array[Double],
    stopping: Stopping,
    memory: Int = 10,
    first: Option[Array[Double] => Array[Double]] = None
) extends Minimiser {
  private val inverse = new LimitedMemory(memory, first)
  private var at = start
  private var value = Double.NaN
  private var gradient: Array[Double] = null
  private var direction: Array[Double] = null
  private var slope = 0.0
  private var length = 0.0
  private var (low, high) = (0.0, Double.PositiveInfinity)
  private var tries = 0
  private var asked = start
  private var ended: Option[String] = None
  private var done = 0

  def point: Array[Double] = asked
  def reason: Option[String] = ended
  def iterations: Int = done
  def best: Best = Best(at, value, Vectors.largest(gradient))

  def tell(found: Double, slopes: Array[Double]): Unit =
    if (gradient == null) {
      value = found
      gradient = slopes
      ended = Minimiser.atStart(found, slopes, stopping)
      if (ended.isEmpty) search()
    } else {
      tries += 1
      // What is not a number is too far away.
      if (!(found <= value + Lbfgs.Armijo * length * slope)) shorten()
      else if (Vectors.dot(slopes, direction) < Lbfgs.Wolfe * slope) lengthen()
      else accept(found, slopes)
    }

  private def search(): Unit = {
    direction = inverse.times(gradient)
    Vectors.scale(-1, direction)
    slope = Vectors.dot(gradient, direction)
    if (!(slope < 0)) {
      inverse.forget()
      direction = gradient.map(-_)
      slope = -Vectors.dot(gradient, gradient)
    }
    low = 0
    high = Double.PositiveInfinity
    tries = 0
    length = if (inverse.scaled) 1 else Math.min(1, 1 / Math.sqrt(-slope))
    ask()
  }

  private def ask(): Unit = {
    asked = at.clone()
    Vectors.add(length, direction, asked)
  }

  private def shorten(): Unit = {
    high = length
    length = (low + high) / 2
    retry()
  }

  private def lengthen(): Unit = {
    low = length
    length = if (high.isInfinite) 2 * length else (low + high) / 2
    retry()
  }

  private def retry(): Unit =
    if (tries < Lbfgs.MostTries) ask()
    else if (inverse.isEmpty) ended = Some(Stopping.Exhausted)
    else {
      inverse.forget()
      search()
    }

  private def accept(found: Double, slopes: Array[Double]): Unit = {
    inverse.remember(Vectors.minus(asked, at), Vectors.minus(slopes, gradient))
    val before = value
    at = asked
    value = found
    gradient = slopes
    done += 1
    ended = stopping.reason(done, before, value, Vectors.largest(gradient))
    if (ended.isEmpty) search()
  }
}

private[linear] object Lbfgs {
  final val Armijo = 1e-4
  private final val Wolfe = 0.9
  final val MostTries = 30
}
