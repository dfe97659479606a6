package io.longshore.source.departure;

import io.longshore.source.images.ImageChannel;

/** Of a workload that has none. */
final class NoAddresses implements SourceAddresses {
  @Override
  public void prepare() {}

  @Override
  public void sendOn() {}

  @Override
  public void hold(ImageChannel target) {}

  @Override
  public void seal() {}

  @Override
  public void release() {}

  @Override
  public void rollBack() {}
}
