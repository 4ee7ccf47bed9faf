// One binary for every Kubernetes component of the lab: its first argument
// names the component, so that the shared code is compiled and linked once.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)

func main() {
	components := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllermanager.NewControllerManagerCommand,
		"kube-proxy":              proxy.NewProxyCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand() },
	}
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	command, known := components[name]
	if !known {
		fmt.Fprintf(os.Stderr, "kubernetes: no component %q; give kube-apiserver, kube-controller-manager, kube-proxy, kube-scheduler or kubelet first\n", name)
		os.Exit(2)
	}
	// kubelet parses os.Args itself, the others through cobra, which reads them too.
	os.Args = append([]string{name}, os.Args[2:]...)
	os.Exit(cli.Run(command()))
}
