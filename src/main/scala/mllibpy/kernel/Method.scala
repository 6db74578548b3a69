package mllibpy.kernel

/** How a row's equations are solved. */
sealed trait Method extends Serializable

object Method {

  /** Exactly. */
  case object Cholesky extends Method

  /** By `steps` steps of conjugate gradients from the row's last factors (Takacs, Pilaszy, Tikk:
    * Applications of the conjugate gradient method for implicit feedback collaborative filtering,
    * RecSys 2011).
    */
  final case class ConjugateGradient(steps: Int) extends Method

  /** One sweep over blocks of `width` factors, each solved exactly with the others held (Rendle,
    * Krichene, Zhang, Koren: iALS++: speeding up matrix factorization with subspace optimization,
    * 2021).
    */
  final case class Blocks(width: Int) extends Method

  def named(name: String, rank: Int, cgSteps: Int, blockSize: Int): Method =
    name match {
      case "cg"     => ConjugateGradient(cgSteps)
      case "ials++" => Blocks(Stride.of(Math.min(blockSize, rank)))
      case _        => Cholesky
    }
}
