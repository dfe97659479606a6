package io.longshore.source.departure;

import io.longshore.source.images.ImageChannel;
import java.util.List;

final class HostSourceAddresses implements SourceAddresses {
  HostSourceAddresses(String migration, List<String> addresses) {}

  @Override
  public void hold(ImageChannel target) {}

  @Override
  public void seal() {}

  @Override
  public void release() {}

  @Override
  public void rollBack() {}
}
