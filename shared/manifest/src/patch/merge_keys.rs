//! Which lists strategic merges merge, and by what their elements are told apart.
//!
//! These are facts of the Kubernetes API, as its description marks fields with `x-kubernetes-patch-strategy: merge`
//! and names their keys. Kustomize carries the description of Kubernetes 1.21 in all its releases up to now, and
//! replaces the lists of kinds, versions and fields that are newer; so that an object comes out the same everywhere,
//! this table ends there too.

/// The fields of a kind of map that are, or lead to, merged lists.
#[derive(Debug)]
pub(super) struct Shape(&'static [(&'static str, Field)]);

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    /// A map.
    Map(&'static Shape),
    /// A merged list of maps.
    Elements(&'static Elements),
    /// A merged list of scalars, which are told apart by themselves.
    Values,
}

/// The elements of a merged list.
#[derive(Debug)]
pub(super) struct Elements {
    /// What tells them apart. Every element has the first.
    pub(super) keys: &'static [&'static str],
    /// What the others are where they are not given.
    pub(super) default: Option<&'static str>,
    pub(super) shape: &'static Shape,
}

impl Shape {
    /// What is known of a field.
    pub(super) fn field(&self, name: &str) -> Option<Field> {
        self.0.iter().find(|(field, _)| *field == name).map(|(_, field)| *field)
    }
}

/// Elements with one key.
const fn by(keys: &'static [&'static str], shape: &'static Shape) -> Elements {
    Elements { keys, default: None, shape }
}

/// A map without merged lists.
static LEAF: Shape = Shape(&[]);

static BY_NAME: Elements = by(&["name"], &LEAF);
static BY_TYPE: Elements = by(&["type"], &LEAF);
static BY_IP: Elements = by(&["ip"], &LEAF);
static BY_UID: Elements = by(&["uid"], &LEAF);
static BY_DEVICE_PATH: Elements = by(&["devicePath"], &LEAF);
static BY_MOUNT_PATH: Elements = by(&["mountPath"], &LEAF);
static CONTAINER_PORTS: Elements =
    Elements { keys: &["containerPort", "protocol"], default: Some("TCP"), shape: &LEAF };
static SERVICE_PORTS: Elements =
    Elements { keys: &["port", "protocol"], default: Some("TCP"), shape: &LEAF };
static SPREADS: Elements = by(&["topologyKey", "whenUnsatisfiable"], &LEAF);
static CONTAINERS: Elements = by(&["name"], &CONTAINER);
static EPHEMERAL_CONTAINERS: Elements = by(&["name"], &EPHEMERAL_CONTAINER);
static VOLUMES: Elements = by(&["name"], &VOLUME);

static METADATA: Shape =
    Shape(&[("finalizers", Field::Values), ("ownerReferences", Field::Elements(&BY_UID))]);
static CONDITIONS: Shape = Shape(&[("conditions", Field::Elements(&BY_TYPE))]);

static CONTAINER: Shape = Shape(&[
    ("env", Field::Elements(&BY_NAME)),
    ("ports", Field::Elements(&CONTAINER_PORTS)),
    ("volumeDevices", Field::Elements(&BY_DEVICE_PATH)),
    ("volumeMounts", Field::Elements(&BY_MOUNT_PATH)),
]);
static EPHEMERAL_CONTAINER: Shape = Shape(&[
    ("env", Field::Elements(&BY_NAME)),
    ("volumeDevices", Field::Elements(&BY_DEVICE_PATH)),
    ("volumeMounts", Field::Elements(&BY_MOUNT_PATH)),
]);
static VOLUME: Shape = Shape(&[("ephemeral", Field::Map(&EPHEMERAL_VOLUME))]);
static EPHEMERAL_VOLUME: Shape = Shape(&[("volumeClaimTemplate", Field::Map(&PLAIN))]);
static POD_SPEC: Shape = Shape(&[
    ("containers", Field::Elements(&CONTAINERS)),
    ("ephemeralContainers", Field::Elements(&EPHEMERAL_CONTAINERS)),
    ("hostAliases", Field::Elements(&BY_IP)),
    ("imagePullSecrets", Field::Elements(&BY_NAME)),
    ("initContainers", Field::Elements(&CONTAINERS)),
    ("topologySpreadConstraints", Field::Elements(&SPREADS)),
    ("volumes", Field::Elements(&VOLUMES)),
]);
static POD_TEMPLATE_SPEC: Shape =
    Shape(&[("metadata", Field::Map(&METADATA)), ("spec", Field::Map(&POD_SPEC))]);
static WORKLOAD_SPEC: Shape = Shape(&[("template", Field::Map(&POD_TEMPLATE_SPEC))]);
static JOB_TEMPLATE: Shape =
    Shape(&[("metadata", Field::Map(&METADATA)), ("spec", Field::Map(&WORKLOAD_SPEC))]);

/// A kind of which only the metadata has merged lists.
static PLAIN: Shape = Shape(&[("metadata", Field::Map(&METADATA))]);
/// One with a status of conditions.
static WITH_CONDITIONS: Shape =
    Shape(&[("metadata", Field::Map(&METADATA)), ("status", Field::Map(&CONDITIONS))]);
static POD: Shape = Shape(&[
    ("metadata", Field::Map(&METADATA)),
    ("spec", Field::Map(&POD_SPEC)),
    (
        "status",
        Field::Map(&Shape(&[
            ("conditions", Field::Elements(&BY_TYPE)),
            ("podIPs", Field::Elements(&BY_IP)),
        ])),
    ),
]);
static WORKLOAD: Shape = Shape(&[
    ("metadata", Field::Map(&METADATA)),
    ("spec", Field::Map(&WORKLOAD_SPEC)),
    ("status", Field::Map(&CONDITIONS)),
]);
static CRON_JOB: Shape = Shape(&[
    ("metadata", Field::Map(&METADATA)),
    ("spec", Field::Map(&Shape(&[("jobTemplate", Field::Map(&JOB_TEMPLATE))]))),
]);
static POD_TEMPLATE: Shape =
    Shape(&[("metadata", Field::Map(&METADATA)), ("template", Field::Map(&POD_TEMPLATE_SPEC))]);
static SERVICE: Shape = Shape(&[
    ("metadata", Field::Map(&METADATA)),
    ("spec", Field::Map(&Shape(&[("ports", Field::Elements(&SERVICE_PORTS))]))),
    ("status", Field::Map(&CONDITIONS)),
]);
static SERVICE_ACCOUNT: Shape =
    Shape(&[("metadata", Field::Map(&METADATA)), ("secrets", Field::Elements(&BY_NAME))]);
static NODE: Shape = Shape(&[
    ("metadata", Field::Map(&METADATA)),
    ("spec", Field::Map(&Shape(&[("podCIDRs", Field::Values)]))),
    (
        "status",
        Field::Map(&Shape(&[
            ("addresses", Field::Elements(&BY_TYPE)),
            ("conditions", Field::Elements(&BY_TYPE)),
        ])),
    ),
]);
static COMPONENT_STATUS: Shape =
    Shape(&[("metadata", Field::Map(&METADATA)), ("conditions", Field::Elements(&BY_TYPE))]);
static CSI_NODE: Shape = Shape(&[
    ("metadata", Field::Map(&METADATA)),
    ("spec", Field::Map(&Shape(&[("drivers", Field::Elements(&BY_NAME))]))),
]);
static WEBHOOKS: Shape =
    Shape(&[("metadata", Field::Map(&METADATA)), ("webhooks", Field::Elements(&BY_NAME))]);
/// Kustomize's own file.
static KUSTOMIZATION: Shape = Shape(&[
    ("configMapGenerator", Field::Elements(&BY_NAME)),
    ("secretGenerator", Field::Elements(&BY_NAME)),
]);

/// The shape of a kind, or none for those that are not known: their lists are replaced.
pub(super) fn shape(api_version: &str, kind: &str) -> Option<&'static Shape> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let shape = match (group, version, kind) {
        ("", "v1", "Pod") => &POD,
        ("apps", "v1", "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet")
        | ("", "v1", "ReplicationController")
        | ("batch", "v1", "Job") => &WORKLOAD,
        ("batch", "v1" | "v1beta1", "CronJob") => &CRON_JOB,
        ("", "v1", "PodTemplate") => &POD_TEMPLATE,
        ("", "v1", "Service") => &SERVICE,
        ("", "v1", "ServiceAccount") => &SERVICE_ACCOUNT,
        ("", "v1", "Node") => &NODE,
        ("", "v1", "ComponentStatus") => &COMPONENT_STATUS,
        ("storage.k8s.io", "v1" | "v1beta1", "CSINode") => &CSI_NODE,
        (
            "admissionregistration.k8s.io",
            "v1" | "v1beta1",
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
        ) => &WEBHOOKS,
        ("", "v1", "Namespace" | "PersistentVolumeClaim")
        | ("policy", "v1" | "v1beta1", "PodDisruptionBudget")
        | ("apiregistration.k8s.io", "v1" | "v1beta1", "APIService") => &WITH_CONDITIONS,
        ("kustomize.config.k8s.io", "v1beta1", "Kustomization") => &KUSTOMIZATION,
        _ if is_plain(group, version, kind) => &PLAIN,
        _ => return None,
    };
    Some(shape)
}

fn is_plain(group: &str, version: &str, kind: &str) -> bool {
    let kinds: &[&str] = match (group, version) {
        ("", "v1") => &[
            "Binding",
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "PersistentVolume",
            "ResourceQuota",
            "Secret",
        ],
        ("apiextensions.k8s.io", "v1" | "v1beta1") => &["CustomResourceDefinition"],
        ("apps", "v1") => &["ControllerRevision"],
        ("authentication.k8s.io", "v1") => &["TokenRequest", "TokenReview"],
        ("authentication.k8s.io", "v1beta1") => &["TokenReview"],
        ("authorization.k8s.io", "v1" | "v1beta1") => &[
            "LocalSubjectAccessReview",
            "SelfSubjectAccessReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
        ],
        ("autoscaling", "v1") => &["HorizontalPodAutoscaler", "Scale"],
        ("autoscaling", "v2beta1" | "v2beta2") => &["HorizontalPodAutoscaler"],
        ("certificates.k8s.io", "v1" | "v1beta1") => &["CertificateSigningRequest"],
        ("coordination.k8s.io", "v1" | "v1beta1") => &["Lease"],
        ("discovery.k8s.io", "v1" | "v1beta1") => &["EndpointSlice"],
        ("events.k8s.io", "v1" | "v1beta1") => &["Event"],
        ("extensions", "v1beta1") => &["Ingress"],
        ("flowcontrol.apiserver.k8s.io", "v1beta1") => {
            &["FlowSchema", "PriorityLevelConfiguration"]
        }
        ("networking.k8s.io", "v1") => &["Ingress", "IngressClass", "NetworkPolicy"],
        ("networking.k8s.io", "v1beta1") => &["Ingress", "IngressClass"],
        ("node.k8s.io", "v1" | "v1beta1") => &["RuntimeClass"],
        ("policy", "v1beta1") => &["Eviction", "PodSecurityPolicy"],
        ("rbac.authorization.k8s.io", "v1" | "v1beta1") => {
            &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
        }
        ("scheduling.k8s.io", "v1" | "v1beta1") => &["PriorityClass"],
        ("storage.k8s.io", "v1") => &["CSIDriver", "StorageClass", "VolumeAttachment"],
        ("storage.k8s.io", "v1beta1") => {
            &["CSIDriver", "CSIStorageCapacity", "StorageClass", "VolumeAttachment"]
        }
        _ => &[],
    };
    kinds.contains(&kind)
}

/// Whether objects of a kind have no namespace, as far as the description of the API knows the kind.
pub(super) fn is_cluster_wide(api_version: &str, kind: &str) -> bool {
    shape(api_version, kind).is_some()
        && matches!(
            kind,
            "APIService"
                | "CSIDriver"
                | "CSINode"
                | "CertificateSigningRequest"
                | "ClusterRole"
                | "ClusterRoleBinding"
                | "ComponentStatus"
                | "CustomResourceDefinition"
                | "FlowSchema"
                | "IngressClass"
                | "MutatingWebhookConfiguration"
                | "Namespace"
                | "Node"
                | "PersistentVolume"
                | "PodSecurityPolicy"
                | "PriorityClass"
                | "PriorityLevelConfiguration"
                | "RuntimeClass"
                | "StorageClass"
                | "ValidatingWebhookConfiguration"
                | "VolumeAttachment"
        )
}
