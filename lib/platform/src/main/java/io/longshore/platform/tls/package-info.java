/** Who a program is and whom it trusts: certificates, and the roles that they give. */
@NullMarked
package io.longshore.platform.tls;

import org.jspecify.annotations.NullMarked;
